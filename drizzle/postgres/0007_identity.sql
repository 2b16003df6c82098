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
DROP INDEX "email_accounts_email";--> statement-breakpoint
DROP INDEX "voicemail_accounts_phone";--> statement-breakpoint
ALTER TABLE "email_accounts" ADD COLUMN "proved_at" bigint;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD COLUMN "proved_at" bigint;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD COLUMN "inactive_reason" text;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "kind" text DEFAULT 'PERSONAL' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_token" ON "invitations" USING btree ("token_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open" ON "invitations" USING btree ("email") WHERE accepted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_proved" ON "email_accounts" USING btree ("email") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_of_brand" ON "email_accounts" USING btree ("email","brand_id");--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_proved" ON "voicemail_accounts" USING btree ("phone_number") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_of_brand" ON "voicemail_accounts" USING btree ("phone_number","brand_id");--> statement-breakpoint
CREATE INDEX "users_unverified" ON "users" USING btree ("created_at") WHERE not email_verified;