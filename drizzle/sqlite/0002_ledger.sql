CREATE TABLE `credit_clawbacks` (
	`source` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`amount` integer NOT NULL,
	`lot_source` text,
	`reason` text NOT NULL,
	`actor_id` text,
	`at` integer NOT NULL,
	`done_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_clawbacks_amount" CHECK("credit_clawbacks"."amount" > 0)
);
--> statement-breakpoint
CREATE INDEX `credit_clawbacks_brand` ON `credit_clawbacks` (`brand_id`,`at`);--> statement-breakpoint
CREATE INDEX `credit_clawbacks_waiting` ON `credit_clawbacks` (`lot_source`) WHERE done_at is null;--> statement-breakpoint
CREATE TABLE `credit_weight_changes` (
	`id` text PRIMARY KEY NOT NULL,
	`credit_type` text NOT NULL,
	`previous_weight` integer NOT NULL,
	`weight` integer NOT NULL,
	`actor_id` text,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `credit_weight_changes_type` ON `credit_weight_changes` (`credit_type`,`id`);--> statement-breakpoint
DROP INDEX `ledger_once`;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `seq` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `seal` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `ledger_entries` ADD `part` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_once` ON `ledger_entries` (`message_id`,`kind`,`part`) WHERE message_id is not null;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `debt` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `entries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `low_since` integer;--> statement-breakpoint
ALTER TABLE `credit_lots` ADD `expired` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_lots` ADD `repaid` integer DEFAULT 0 NOT NULL;