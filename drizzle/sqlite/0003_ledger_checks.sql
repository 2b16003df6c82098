PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_credit_accounts` (
	`brand_id` text PRIMARY KEY NOT NULL,
	`granted` integer NOT NULL,
	`available` integer NOT NULL,
	`reserved` integer NOT NULL,
	`used` integer NOT NULL,
	`expired` integer NOT NULL,
	`clawed_back` integer NOT NULL,
	`debt` integer DEFAULT 0 NOT NULL,
	`entries` integer DEFAULT 0 NOT NULL,
	`low_since` integer,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_accounts_nothing_negative" CHECK("__new_credit_accounts"."available" >= 0 and "__new_credit_accounts"."reserved" >= 0 and "__new_credit_accounts"."used" >= 0),
	CONSTRAINT "credit_accounts_debt" CHECK("__new_credit_accounts"."debt" >= 0 and ("__new_credit_accounts"."debt" = 0 or "__new_credit_accounts"."available" = 0)),
	CONSTRAINT "credit_accounts_balanced" CHECK("__new_credit_accounts"."granted" = "__new_credit_accounts"."available" + "__new_credit_accounts"."reserved" + "__new_credit_accounts"."used" + "__new_credit_accounts"."expired" + "__new_credit_accounts"."clawed_back")
);
--> statement-breakpoint
INSERT INTO `__new_credit_accounts`("brand_id", "granted", "available", "reserved", "used", "expired", "clawed_back", "debt", "entries", "low_since") SELECT "brand_id", "granted", "available", "reserved", "used", "expired", "clawed_back", "debt", "entries", "low_since" FROM `credit_accounts`;--> statement-breakpoint
DROP TABLE `credit_accounts`;--> statement-breakpoint
ALTER TABLE `__new_credit_accounts` RENAME TO `credit_accounts`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE TABLE `__new_credit_lots` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`kind` text NOT NULL,
	`granted` integer NOT NULL,
	`remaining` integer NOT NULL,
	`expired` integer DEFAULT 0 NOT NULL,
	`repaid` integer DEFAULT 0 NOT NULL,
	`expires_at` integer,
	`source` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_lots_remaining" CHECK("__new_credit_lots"."remaining" >= 0 and "__new_credit_lots"."remaining" <= "__new_credit_lots"."granted"),
	CONSTRAINT "credit_lots_gone" CHECK("__new_credit_lots"."expired" >= 0 and "__new_credit_lots"."repaid" >= 0)
);
--> statement-breakpoint
INSERT INTO `__new_credit_lots`("id", "brand_id", "kind", "granted", "remaining", "expired", "repaid", "expires_at", "source", "created_at") SELECT "id", "brand_id", "kind", "granted", "remaining", "expired", "repaid", "expires_at", "source", "created_at" FROM `credit_lots`;--> statement-breakpoint
DROP TABLE `credit_lots`;--> statement-breakpoint
ALTER TABLE `__new_credit_lots` RENAME TO `credit_lots`;--> statement-breakpoint
CREATE UNIQUE INDEX `credit_lots_source` ON `credit_lots` (`source`);--> statement-breakpoint
CREATE INDEX `credit_lots_spendable` ON `credit_lots` (`brand_id`,`expires_at`) WHERE remaining > 0;