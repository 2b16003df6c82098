CREATE TABLE "daily_counts" (
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"day" bigint NOT NULL,
	"used" bigint NOT NULL,
	CONSTRAINT "daily_counts_key" PRIMARY KEY("subject","name","day")
);
--> statement-breakpoint
CREATE TABLE "limit_overrides" (
	"scope" text NOT NULL,
	"name" text NOT NULL,
	"value" bigint,
	"changed_by" text NOT NULL,
	"changed_at" bigint NOT NULL,
	CONSTRAINT "limit_overrides_key" PRIMARY KEY("scope","name")
);
--> statement-breakpoint
CREATE TABLE "token_buckets" (
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"full_at" bigint NOT NULL,
	CONSTRAINT "token_buckets_key" PRIMARY KEY("subject","name")
);
--> statement-breakpoint
CREATE TABLE "usage_counts" (
	"scope" text NOT NULL,
	"name" text NOT NULL,
	"used" bigint NOT NULL,
	CONSTRAINT "usage_counts_key" PRIMARY KEY("scope","name")
);
--> statement-breakpoint
CREATE TABLE "known_clients" (
	"account" text NOT NULL,
	"client" text NOT NULL,
	"seen_at" bigint NOT NULL,
	CONSTRAINT "known_clients_key" PRIMARY KEY("account","client")
);
--> statement-breakpoint
CREATE TABLE "sign_in_counters" (
	"bucket" integer PRIMARY KEY NOT NULL,
	"full_again_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "private_host" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD COLUMN "file_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD COLUMN "result_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "signed_in_at" bigint;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "last_seen_at" bigint;--> statement-breakpoint
CREATE INDEX "daily_counts_day" ON "daily_counts" USING btree ("day");--> statement-breakpoint
CREATE INDEX "token_buckets_full" ON "token_buckets" USING btree ("full_at");--> statement-breakpoint
CREATE INDEX "known_clients_seen" ON "known_clients" USING btree ("seen_at");--> statement-breakpoint
CREATE INDEX "sign_in_counters_full" ON "sign_in_counters" USING btree ("full_again_at");