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
ALTER TABLE `credit_accounts` ADD `head` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_accounts` ADD `seal` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `credit_lots` ADD `seal` text DEFAULT '' NOT NULL;