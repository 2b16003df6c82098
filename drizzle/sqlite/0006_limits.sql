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
ALTER TABLE `import_jobs` ADD `file_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `import_jobs` ADD `result_bytes` integer DEFAULT 0 NOT NULL;