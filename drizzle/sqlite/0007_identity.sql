CREATE TABLE `invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`name` text,
	`role` text DEFAULT 'user' NOT NULL,
	`brand_id` text,
	`brand_name` text,
	`token_hash` text NOT NULL,
	`created_by` text NOT NULL,
	`expires_at` integer NOT NULL,
	`accepted_at` integer,
	`user_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_token` ON `invitations` (`token_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_open` ON `invitations` (`email`) WHERE accepted_at is null;--> statement-breakpoint
DROP INDEX `email_accounts_email`;--> statement-breakpoint
ALTER TABLE `email_accounts` ADD `proved_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_proved` ON `email_accounts` (`email`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_of_brand` ON `email_accounts` (`email`,`brand_id`);--> statement-breakpoint
DROP INDEX `voicemail_accounts_phone`;--> statement-breakpoint
ALTER TABLE `voicemail_accounts` ADD `proved_at` integer;--> statement-breakpoint
ALTER TABLE `voicemail_accounts` ADD `inactive_reason` text;--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_proved` ON `voicemail_accounts` (`phone_number`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_of_brand` ON `voicemail_accounts` (`phone_number`,`brand_id`);--> statement-breakpoint
ALTER TABLE `api_keys` ADD `kind` text DEFAULT 'PERSONAL' NOT NULL;--> statement-breakpoint
CREATE INDEX `users_unverified` ON `users` (`created_at`) WHERE not email_verified;