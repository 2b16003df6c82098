CREATE TABLE `chargebee_customers` (
	`customer_id` text PRIMARY KEY NOT NULL,
	`brand_id` text,
	`email` text,
	`named_brand_id` text,
	`version` integer NOT NULL,
	`linked_by` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `chargebee_customers_brand` ON `chargebee_customers` (`brand_id`);--> statement-breakpoint
CREATE TABLE `chargebee_events` (
	`id` text PRIMARY KEY NOT NULL,
	`event_type` text NOT NULL,
	`occurred_at` integer NOT NULL,
	`customer_id` text,
	`body` text NOT NULL,
	`came_by` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`due_at` integer,
	`received_at` integer NOT NULL,
	`processed_at` integer
);
--> statement-breakpoint
CREATE INDEX `chargebee_events_due` ON `chargebee_events` (`due_at`) WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX `chargebee_events_status` ON `chargebee_events` (`status`,`occurred_at`,`id`);--> statement-breakpoint
CREATE INDEX `chargebee_events_received` ON `chargebee_events` (`occurred_at`,`id`);--> statement-breakpoint
CREATE INDEX `chargebee_events_customer` ON `chargebee_events` (`customer_id`);--> statement-breakpoint
CREATE TABLE `chargebee_reconciliations` (
	`id` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL,
	`since` integer NOT NULL,
	`finished_at` integer,
	`seen` integer DEFAULT 0 NOT NULL,
	`added` integer DEFAULT 0 NOT NULL,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `chargebee_reconciliations_started` ON `chargebee_reconciliations` (`started_at`);--> statement-breakpoint
CREATE TABLE `chargebee_resources` (
	`kind` text NOT NULL,
	`id` text NOT NULL,
	`customer_id` text,
	`belongs_to` text,
	`version` integer NOT NULL,
	`facts` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `id`)
);
--> statement-breakpoint
CREATE INDEX `chargebee_resources_belonging` ON `chargebee_resources` (`kind`,`belongs_to`);