CREATE TABLE "brand_days" (
	"start" bigint PRIMARY KEY NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "voicemail_accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"phone_number" text NOT NULL,
	"display_name" text NOT NULL,
	"provider" text DEFAULT 'TWILIO' NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "unused_files" (
	"name" text PRIMARY KEY NOT NULL,
	"since" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"answer" text NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_key" PRIMARY KEY("user_id","key")
);
--> statement-breakpoint
CREATE TABLE "message_tallies" (
	"span" text NOT NULL,
	"kind" text NOT NULL,
	"start" bigint NOT NULL,
	"status" text NOT NULL,
	"shard" integer NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "message_tallies_key" PRIMARY KEY("span","kind","start","status","shard")
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"user_id" text,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"credits_added" bigint NOT NULL,
	"plan_name" text,
	"description" text,
	"chargebee_customer_id" text,
	"chargebee_invoice_id" text,
	"source" text,
	"transaction_date" bigint NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "workspace_domain" text;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "warmup_status" text DEFAULT 'NOT_STARTED' NOT NULL;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "warmup_started_at" bigint;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "warmup_paused_at" bigint;--> statement-breakpoint
ALTER TABLE "sender_days" ADD COLUMN "warmup_sends" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD CONSTRAINT "voicemail_accounts_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_phone" ON "voicemail_accounts" USING btree ("phone_number");--> statement-breakpoint
CREATE INDEX "voicemail_accounts_brand" ON "voicemail_accounts" USING btree ("brand_id","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_created" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_source" ON "payments" USING btree ("source");--> statement-breakpoint
CREATE INDEX "payments_date" ON "payments" USING btree ("transaction_date","id");--> statement-breakpoint
CREATE INDEX "payments_brand" ON "payments" USING btree ("brand_id","transaction_date","id");--> statement-breakpoint
CREATE INDEX "bans_by_email" ON "bans" USING btree ("scope",(case when "email" is null then '' else "email" end),"id");--> statement-breakpoint
CREATE INDEX "brands_created" ON "brands" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "sender_days_warmup" ON "sender_days" USING btree ("sender_id","warmup_sends") WHERE warmup_sends > 0;--> statement-breakpoint
CREATE INDEX "messages_follow_ups" ON "messages" USING btree ("scheduled_time","id") WHERE stage > 0;--> statement-breakpoint
CREATE INDEX "messages_openings" ON "messages" USING btree ("scheduled_time","id") WHERE stage = 0;--> statement-breakpoint
CREATE INDEX "messages_brand" ON "messages" USING btree ("brand_id","scheduled_time","id") WHERE stage > 0;--> statement-breakpoint
CREATE INDEX "messages_cancelled" ON "messages" USING btree ("scheduled_time","id") WHERE status = 'CANCELLED';--> statement-breakpoint
CREATE INDEX "messages_failed" ON "messages" USING btree ("scheduled_time","id") WHERE status = 'FAILED';
--> statement-breakpoint
INSERT INTO brand_days (start, count) SELECT created_at / 86400000 * 86400000, count(*) FROM brands GROUP BY 1;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'HOUR', CASE WHEN stage = 0 THEN 'OPENING' ELSE 'FOLLOW_UP' END, scheduled_time / 3600000 * 3600000,
  CASE WHEN status IN ('SENDING', 'UNKNOWN') THEN 'PENDING' ELSE status END, 0, count(*) FROM messages GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'DAY', kind, start / 86400000 * 86400000, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'ALL', kind, 0, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4;
