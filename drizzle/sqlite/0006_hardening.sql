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
ALTER TABLE `email_accounts` ADD `private_host` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `import_jobs` ADD `file_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `import_jobs` ADD `result_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` ADD `signed_in_at` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `last_seen_at` integer;