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
CREATE TABLE `daily_counts` (
	`subject` text NOT NULL,
	`name` text NOT NULL,
	`day` integer NOT NULL,
	`used` integer NOT NULL,
	PRIMARY KEY(`subject`, `name`, `day`)
);
--> statement-breakpoint
CREATE INDEX `daily_counts_day` ON `daily_counts` (`day`);--> statement-breakpoint
CREATE TABLE `limit_overrides` (
	`scope` text NOT NULL,
	`name` text NOT NULL,
	`value` integer,
	`changed_by` text NOT NULL,
	`changed_at` integer NOT NULL,
	PRIMARY KEY(`scope`, `name`)
);
--> statement-breakpoint
CREATE TABLE `token_buckets` (
	`subject` text NOT NULL,
	`name` text NOT NULL,
	`full_at` integer NOT NULL,
	PRIMARY KEY(`subject`, `name`)
);
--> statement-breakpoint
CREATE INDEX `token_buckets_full` ON `token_buckets` (`full_at`);--> statement-breakpoint
CREATE TABLE `usage_counts` (
	`scope` text NOT NULL,
	`name` text NOT NULL,
	`used` integer NOT NULL,
	PRIMARY KEY(`scope`, `name`)
);
--> statement-breakpoint
CREATE TABLE `known_clients` (
	`account` text NOT NULL,
	`client` text NOT NULL,
	`seen_at` integer NOT NULL,
	PRIMARY KEY(`account`, `client`)
);
--> statement-breakpoint
CREATE INDEX `known_clients_seen` ON `known_clients` (`seen_at`);--> statement-breakpoint
CREATE TABLE `sign_in_counters` (
	`bucket` integer PRIMARY KEY NOT NULL,
	`full_again_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sign_in_counters_full` ON `sign_in_counters` (`full_again_at`);--> statement-breakpoint
DROP INDEX `email_accounts_email`;--> statement-breakpoint
ALTER TABLE `email_accounts` ADD `private_host` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `email_accounts` ADD `proved_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_proved` ON `email_accounts` (`email`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_of_brand` ON `email_accounts` (`email`,`brand_id`);--> statement-breakpoint
CREATE INDEX `email_accounts_order` ON `email_accounts` (`email`,`id`);--> statement-breakpoint
DROP INDEX `conversations_contact`;--> statement-breakpoint
CREATE INDEX `conversations_contact` ON `conversations` (`contact_id`,`id`);--> statement-breakpoint
DROP INDEX `voicemail_accounts_phone`;--> statement-breakpoint
ALTER TABLE `voicemail_accounts` ADD `proved_at` integer;--> statement-breakpoint
ALTER TABLE `voicemail_accounts` ADD `inactive_reason` text;--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_proved` ON `voicemail_accounts` (`phone_number`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_of_brand` ON `voicemail_accounts` (`phone_number`,`brand_id`);--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_ledger_entries` (
	`id` text NOT NULL,
	`brand_id` text NOT NULL,
	`seq` integer NOT NULL,
	`kind` text NOT NULL,
	`amount` integer NOT NULL,
	`lot_id` text NOT NULL,
	`credit_type` text,
	`campaign_id` text,
	`message_id` text,
	`reason` text,
	`actor_id` text,
	`created_at` integer NOT NULL,
	`seal` text NOT NULL,
	`part` integer,
	PRIMARY KEY(`brand_id`, `seq`),
	CONSTRAINT "ledger_amount" CHECK("__new_ledger_entries"."amount" >= 0)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_ledger_entries`("id", "brand_id", "seq", "kind", "amount", "lot_id", "credit_type", "campaign_id", "message_id", "reason", "actor_id", "created_at", "seal", "part") SELECT "id", "brand_id", "seq", "kind", "amount", "lot_id", "credit_type", "campaign_id", "message_id", "reason", "actor_id", "created_at", "seal", "part" FROM `ledger_entries`;--> statement-breakpoint
DROP TABLE `ledger_entries`;--> statement-breakpoint
ALTER TABLE `__new_ledger_entries` RENAME TO `ledger_entries`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_once` ON `ledger_entries` (`message_id`,`kind`,`part`) WHERE message_id is not null;--> statement-breakpoint
ALTER TABLE `import_jobs` ADD `file_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `import_jobs` ADD `result_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `head` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `seal` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_lots` ADD `seal` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `kind` text DEFAULT 'PERSONAL' NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `session_id` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `signed_in_at` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `last_seen_at` integer;--> statement-breakpoint
CREATE INDEX `users_unverified` ON `users` (`created_at`) WHERE not email_verified;--> statement-breakpoint
CREATE INDEX `messages_parked` ON `messages` (`campaign_id`,`scheduled_time`,`id`) WHERE status = 'PENDING' and run_at = 8640000000000000;
--> statement-breakpoint
CREATE TABLE `contact_numbers` (
	`number` integer PRIMARY KEY,
	`contact_id` text NOT NULL UNIQUE
);
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_terms` USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[]^_{|}~'");
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_term_list` USING fts5vocab(contact_terms, instance);
