CREATE TABLE "invitations" (
	"id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"name" text,
	"role" text DEFAULT 'user' NOT NULL,
	"brand_id" text,
	"brand_name" text,
	"token_hash" text NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" bigint NOT NULL,
	"accepted_at" bigint,
	"user_id" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
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
DROP INDEX "email_accounts_email";--> statement-breakpoint
DROP INDEX "voicemail_accounts_phone";--> statement-breakpoint
ALTER TABLE "ledger_entries" ALTER COLUMN "seq" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "ledger_entries" ALTER COLUMN "seal" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ALTER COLUMN "seal" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "private_host" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "proved_at" bigint;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD COLUMN "proved_at" bigint;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD COLUMN "inactive_reason" text;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD COLUMN "file_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD COLUMN "result_bytes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "head" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "seal" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_lots" ADD COLUMN "seal" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "kind" text DEFAULT 'PERSONAL' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "session_id" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "signed_in_at" bigint;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "last_seen_at" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_token" ON "invitations" USING btree ("token_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open" ON "invitations" USING btree ("email") WHERE accepted_at is null;--> statement-breakpoint
CREATE INDEX "daily_counts_day" ON "daily_counts" USING btree ("day");--> statement-breakpoint
CREATE INDEX "token_buckets_full" ON "token_buckets" USING btree ("full_at");--> statement-breakpoint
CREATE INDEX "known_clients_seen" ON "known_clients" USING btree ("seen_at");--> statement-breakpoint
CREATE INDEX "sign_in_counters_full" ON "sign_in_counters" USING btree ("full_again_at");--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_proved" ON "email_accounts" USING btree ("email") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_of_brand" ON "email_accounts" USING btree ("email","brand_id");--> statement-breakpoint
CREATE INDEX "email_accounts_order" ON "email_accounts" USING btree ("email","id");--> statement-breakpoint
DROP INDEX "conversations_contact";--> statement-breakpoint
CREATE INDEX "conversations_contact" ON "conversations" USING btree ("contact_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_proved" ON "voicemail_accounts" USING btree ("phone_number") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_of_brand" ON "voicemail_accounts" USING btree ("phone_number","brand_id");--> statement-breakpoint
CREATE INDEX "users_unverified" ON "users" USING btree ("created_at") WHERE not email_verified;--> statement-breakpoint
CREATE INDEX "messages_parked" ON "messages" USING btree ("campaign_id","scheduled_time","id") WHERE status = 'PENDING' and run_at = 8640000000000000;--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_key";
--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_key" PRIMARY KEY("brand_id","seq");
--> statement-breakpoint
CREATE TABLE "contact_words" (
	"brand_id" text NOT NULL,
	"word" text COLLATE "C" NOT NULL,
	"contact_id" text NOT NULL,
	CONSTRAINT "contact_words_key" PRIMARY KEY("brand_id","word","contact_id")
);
