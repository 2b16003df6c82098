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
ALTER TABLE "sessions" ADD COLUMN "signed_in_at" bigint;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "last_seen_at" bigint;--> statement-breakpoint
CREATE INDEX "known_clients_seen" ON "known_clients" USING btree ("seen_at");--> statement-breakpoint
CREATE INDEX "sign_in_counters_full" ON "sign_in_counters" USING btree ("full_again_at");