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
ALTER TABLE `sessions` ADD `signed_in_at` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `last_seen_at` integer;