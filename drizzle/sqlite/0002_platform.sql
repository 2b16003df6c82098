CREATE TABLE `brand_days` (
	`start` integer PRIMARY KEY NOT NULL,
	`count` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `message_tallies` (
	`span` text NOT NULL,
	`kind` text NOT NULL,
	`start` integer NOT NULL,
	`status` text NOT NULL,
	`shard` integer NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`span`, `kind`, `start`, `status`, `shard`)
);
--> statement-breakpoint
CREATE INDEX `bans_by_email` ON `bans` (`scope`,(case when "email" is null then '' else "email" end),`id`);--> statement-breakpoint
CREATE INDEX `brands_created` ON `brands` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `messages_follow_ups` ON `messages` (`scheduled_time`,`id`) WHERE stage > 0;--> statement-breakpoint
CREATE INDEX `messages_openings` ON `messages` (`scheduled_time`,`id`) WHERE stage = 0;--> statement-breakpoint
CREATE INDEX `messages_brand` ON `messages` (`brand_id`,`scheduled_time`,`id`) WHERE stage > 0;--> statement-breakpoint
CREATE INDEX `messages_cancelled` ON `messages` (`scheduled_time`,`id`) WHERE status = 'CANCELLED';--> statement-breakpoint
CREATE INDEX `messages_failed` ON `messages` (`scheduled_time`,`id`) WHERE status = 'FAILED';
--> statement-breakpoint
INSERT INTO brand_days (start, count) SELECT created_at / 86400000 * 86400000, count(*) FROM brands GROUP BY 1;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'HOUR', CASE WHEN stage = 0 THEN 'OPENING' ELSE 'FOLLOW_UP' END, scheduled_time / 3600000 * 3600000,
  CASE WHEN status IN ('SENDING', 'UNKNOWN') THEN 'PENDING' ELSE status END, 0, count(*) FROM messages GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'DAY', kind, start / 86400000 * 86400000, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4;
--> statement-breakpoint
INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'ALL', kind, 0, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4;
