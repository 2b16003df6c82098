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
ALTER TABLE "import_jobs" ADD COLUMN "file_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD COLUMN "result_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "daily_counts_day" ON "daily_counts" USING btree ("day");--> statement-breakpoint
CREATE INDEX "token_buckets_full" ON "token_buckets" USING btree ("full_at");