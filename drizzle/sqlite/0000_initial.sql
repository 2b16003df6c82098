CREATE TABLE `bans` (
	`id` text PRIMARY KEY NOT NULL,
	`scope` text NOT NULL,
	`email` text,
	`phone` text,
	`reason` text,
	`source` text NOT NULL,
	`message_got` text,
	`sentiment_score` real,
	`created_by` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `bans_email` ON `bans` (`scope`,`email`);--> statement-breakpoint
CREATE UNIQUE INDEX `bans_phone` ON `bans` (`scope`,`phone`);--> statement-breakpoint
CREATE INDEX `bans_created` ON `bans` (`scope`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `bans_by_email` ON `bans` (`scope`,(case when "email" is null then '' else "email" end),`id`);--> statement-breakpoint
CREATE TABLE `brand_days` (
	`start` integer PRIMARY KEY NOT NULL,
	`count` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `brands` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`owner_id` text,
	`timezone` text DEFAULT 'UTC' NOT NULL,
	`postal_address` text,
	`twilio_account_sid` text,
	`twilio_auth_token` text,
	`twillio_messaging_service_sid` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `brands_owner` ON `brands` (`owner_id`);--> statement-breakpoint
CREATE INDEX `brands_created` ON `brands` (`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `campaign_senders` (
	`campaign_id` text NOT NULL,
	`sender_id` text NOT NULL,
	PRIMARY KEY(`campaign_id`, `sender_id`),
	FOREIGN KEY (`campaign_id`) REFERENCES `campaigns`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `campaign_steps` (
	`campaign_id` text NOT NULL,
	`stage` integer NOT NULL,
	`channel` text NOT NULL,
	`delay` integer NOT NULL,
	`subject` text,
	`body` text NOT NULL,
	PRIMARY KEY(`campaign_id`, `stage`),
	FOREIGN KEY (`campaign_id`) REFERENCES `campaigns`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `campaigns` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`status_reason` text,
	`channels` text NOT NULL,
	`timezone` text NOT NULL,
	`send_windows` text NOT NULL,
	`start_at` integer,
	`end_at` integer,
	`stop_on_reply` integer DEFAULT true NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`launched_at` integer,
	`completed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `campaigns_brand` ON `campaigns` (`brand_id`,`id`);--> statement-breakpoint
CREATE INDEX `campaigns_status` ON `campaigns` (`status`);--> statement-breakpoint
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
CREATE INDEX `chargebee_resources_belonging` ON `chargebee_resources` (`kind`,`belongs_to`);--> statement-breakpoint
CREATE TABLE `contacts` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`email` text,
	`phone` text,
	`first_name` text,
	`last_name` text,
	`company` text,
	`timezone` text,
	`custom` text NOT NULL,
	`email_bounced_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `contacts_email` ON `contacts` (`brand_id`,`email`);--> statement-breakpoint
CREATE UNIQUE INDEX `contacts_phone` ON `contacts` (`brand_id`,`phone`);--> statement-breakpoint
CREATE INDEX `contacts_brand` ON `contacts` (`brand_id`,`id`);--> statement-breakpoint
CREATE INDEX `contacts_by_email` ON `contacts` (`email`);--> statement-breakpoint
CREATE INDEX `contacts_by_phone` ON `contacts` (`phone`);--> statement-breakpoint
CREATE TABLE `conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`campaign_id` text NOT NULL,
	`contact_id` text NOT NULL,
	`mode` text DEFAULT 'AUTO' NOT NULL,
	`status` text NOT NULL,
	`sender_id` text,
	`unread` integer DEFAULT false NOT NULL,
	`sentiment_score` real,
	`replied_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`campaign_id`) REFERENCES `campaigns`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`contact_id`) REFERENCES `contacts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `conversations_member` ON `conversations` (`campaign_id`,`contact_id`);--> statement-breakpoint
CREATE INDEX `conversations_contact` ON `conversations` (`contact_id`,`id`);--> statement-breakpoint
CREATE INDEX `conversations_campaign` ON `conversations` (`campaign_id`,`id`);--> statement-breakpoint
CREATE INDEX `conversations_brand` ON `conversations` (`brand_id`,`id`);--> statement-breakpoint
CREATE TABLE `inbound_messages` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`conversation_id` text NOT NULL,
	`channel` text NOT NULL,
	`provider_id` text NOT NULL,
	`intent` text NOT NULL,
	`subject` text,
	`text` text NOT NULL,
	`sentiment_score` real,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `inbound_provider` ON `inbound_messages` (`brand_id`,`provider_id`);--> statement-breakpoint
CREATE INDEX `inbound_conversation` ON `inbound_messages` (`conversation_id`,`id`);--> statement-breakpoint
CREATE TABLE `campaign_credits` (
	`campaign_id` text NOT NULL,
	`credit_type` text NOT NULL,
	`reserved` integer NOT NULL,
	`used` integer NOT NULL,
	`released` integer NOT NULL,
	PRIMARY KEY(`campaign_id`, `credit_type`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `credit_accounts` (
	`brand_id` text PRIMARY KEY NOT NULL,
	`granted` integer NOT NULL,
	`available` integer NOT NULL,
	`reserved` integer NOT NULL,
	`used` integer NOT NULL,
	`expired` integer NOT NULL,
	`clawed_back` integer NOT NULL,
	`debt` integer DEFAULT 0 NOT NULL,
	`entries` integer DEFAULT 0 NOT NULL,
	`head` text DEFAULT '' NOT NULL,
	`seal` text DEFAULT '' NOT NULL,
	`low_since` integer,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_accounts_nothing_negative" CHECK("credit_accounts"."available" >= 0 and "credit_accounts"."reserved" >= 0 and "credit_accounts"."used" >= 0),
	CONSTRAINT "credit_accounts_debt" CHECK("credit_accounts"."debt" >= 0 and ("credit_accounts"."debt" = 0 or "credit_accounts"."available" = 0)),
	CONSTRAINT "credit_accounts_balanced" CHECK("credit_accounts"."granted" = "credit_accounts"."available" + "credit_accounts"."reserved" + "credit_accounts"."used" + "credit_accounts"."expired" + "credit_accounts"."clawed_back")
);
--> statement-breakpoint
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
CREATE TABLE `credit_holds` (
	`message_id` text NOT NULL,
	`lot_id` text NOT NULL,
	`brand_id` text NOT NULL,
	`campaign_id` text NOT NULL,
	`credit_type` text NOT NULL,
	`amount` integer NOT NULL,
	`weight` integer NOT NULL,
	PRIMARY KEY(`message_id`, `lot_id`),
	CONSTRAINT "credit_holds_amount" CHECK("credit_holds"."amount" >= 0)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `credit_lots` (
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
	`seal` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credit_lots_remaining" CHECK("credit_lots"."remaining" >= 0 and "credit_lots"."remaining" <= "credit_lots"."granted"),
	CONSTRAINT "credit_lots_gone" CHECK("credit_lots"."expired" >= 0 and "credit_lots"."repaid" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credit_lots_source` ON `credit_lots` (`source`);--> statement-breakpoint
CREATE INDEX `credit_lots_spendable` ON `credit_lots` (`brand_id`,`expires_at`) WHERE remaining > 0;--> statement-breakpoint
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
CREATE TABLE `credit_weights` (
	`credit_type` text PRIMARY KEY NOT NULL,
	`weight` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `ledger_entries` (
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
	CONSTRAINT "ledger_amount" CHECK("ledger_entries"."amount" >= 0)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_once` ON `ledger_entries` (`message_id`,`kind`,`part`) WHERE message_id is not null;--> statement-breakpoint
CREATE TABLE `unused_files` (
	`name` text PRIMARY KEY NOT NULL,
	`since` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`account_id` text NOT NULL,
	`provider_id` text NOT NULL,
	`password` text,
	`access_token` text,
	`refresh_token` text,
	`id_token` text,
	`access_token_expires_at` integer,
	`refresh_token_expires_at` integer,
	`scope` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`);--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`config_id` text DEFAULT 'default' NOT NULL,
	`name` text,
	`start` text,
	`prefix` text,
	`key` text NOT NULL,
	`reference_id` text NOT NULL,
	`refill_interval` integer,
	`refill_amount` integer,
	`last_refill_at` integer,
	`enabled` integer DEFAULT true,
	`rate_limit_enabled` integer DEFAULT false,
	`rate_limit_time_window` integer,
	`rate_limit_max` integer,
	`request_count` integer DEFAULT 0,
	`remaining` integer,
	`last_request` integer,
	`expires_at` integer,
	`kind` text DEFAULT 'PERSONAL' NOT NULL,
	`session_id` text,
	`permissions` text,
	`metadata` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_key` ON `api_keys` (`key`);--> statement-breakpoint
CREATE INDEX `api_keys_reference` ON `api_keys` (`reference_id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`answer` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_created` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
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
CREATE TABLE `known_clients` (
	`account` text NOT NULL,
	`client` text NOT NULL,
	`seen_at` integer NOT NULL,
	PRIMARY KEY(`account`, `client`)
);
--> statement-breakpoint
CREATE INDEX `known_clients_seen` ON `known_clients` (`seen_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`token` text NOT NULL,
	`expires_at` integer NOT NULL,
	`ip_address` text,
	`user_agent` text,
	`impersonated_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`signed_in_at` integer,
	`last_seen_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_token` ON `sessions` (`token`);--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`);--> statement-breakpoint
CREATE TABLE `settings` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sign_in_counters` (
	`bucket` integer PRIMARY KEY NOT NULL,
	`full_again_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sign_in_counters_full` ON `sign_in_counters` (`full_again_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`email` text NOT NULL,
	`email_verified` integer DEFAULT false NOT NULL,
	`image` text,
	`role` text DEFAULT 'user' NOT NULL,
	`banned` integer DEFAULT false,
	`ban_reason` text,
	`ban_expires` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`email`);--> statement-breakpoint
CREATE INDEX `users_unverified` ON `users` (`created_at`) WHERE not email_verified;--> statement-breakpoint
CREATE TABLE `verifications` (
	`id` text PRIMARY KEY NOT NULL,
	`identifier` text NOT NULL,
	`value` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `verifications_identifier` ON `verifications` (`identifier`);--> statement-breakpoint
CREATE TABLE `import_jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`campaign_id` text NOT NULL,
	`file_name` text NOT NULL,
	`status` text NOT NULL,
	`mapping` text,
	`on_duplicate` text NOT NULL,
	`rows` integer DEFAULT 0 NOT NULL,
	`last_line` integer DEFAULT 0 NOT NULL,
	`verdicts` text NOT NULL,
	`error` text,
	`file_bytes` integer DEFAULT 0 NOT NULL,
	`result_bytes` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`campaign_id`) REFERENCES `campaigns`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `import_jobs_status` ON `import_jobs` (`status`);--> statement-breakpoint
CREATE INDEX `import_jobs_campaign` ON `import_jobs` (`campaign_id`);--> statement-breakpoint
CREATE TABLE `import_rows` (
	`job_id` text NOT NULL,
	`line` integer NOT NULL,
	`verdict` text NOT NULL,
	`email` text,
	`phone` text,
	`message` text,
	PRIMARY KEY(`job_id`, `line`),
	FOREIGN KEY (`job_id`) REFERENCES `import_jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `installation` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
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
CREATE TABLE `message_counts` (
	`campaign_id` text NOT NULL,
	`stage` integer NOT NULL,
	`status` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`campaign_id`, `stage`, `status`)
) WITHOUT ROWID;
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
CREATE TABLE `messages` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`campaign_id` text NOT NULL,
	`conversation_id` text NOT NULL,
	`contact_id` text NOT NULL,
	`stage` integer NOT NULL,
	`channel` text NOT NULL,
	`status` text NOT NULL,
	`scheduled_time` integer NOT NULL,
	`run_at` integer NOT NULL,
	`sender_id` text,
	`lease_until` integer,
	`claim` text,
	`fence` integer DEFAULT 0 NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`message_key` text,
	`provider_id` text,
	`error_message` text,
	`cancel_reason` text,
	`credits` integer NOT NULL,
	`processed_at` integer,
	`created_at` integer NOT NULL,
	`subject` text,
	`text` text,
	FOREIGN KEY (`conversation_id`) REFERENCES `conversations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_stage` ON `messages` (`conversation_id`,`stage`);--> statement-breakpoint
CREATE INDEX `messages_due` ON `messages` (`run_at`,`id`,`sender_id`) WHERE status = 'PENDING';--> statement-breakpoint
CREATE INDEX `messages_lease` ON `messages` (`lease_until`) WHERE status = 'SENDING';--> statement-breakpoint
CREATE INDEX `messages_unknown` ON `messages` (`run_at`) WHERE status = 'UNKNOWN';--> statement-breakpoint
CREATE INDEX `messages_campaign` ON `messages` (`campaign_id`,`id`);--> statement-breakpoint
CREATE INDEX `messages_parked` ON `messages` (`campaign_id`,`scheduled_time`,`id`) WHERE status = 'PENDING' and run_at = 8640000000000000;--> statement-breakpoint
CREATE INDEX `messages_follow_ups` ON `messages` (`scheduled_time`,`id`) WHERE stage > 0;--> statement-breakpoint
CREATE INDEX `messages_openings` ON `messages` (`scheduled_time`,`id`) WHERE stage = 0;--> statement-breakpoint
CREATE INDEX `messages_brand` ON `messages` (`brand_id`,`scheduled_time`,`id`) WHERE stage > 0;--> statement-breakpoint
CREATE INDEX `messages_cancelled` ON `messages` (`scheduled_time`,`id`) WHERE status = 'CANCELLED';--> statement-breakpoint
CREATE INDEX `messages_failed` ON `messages` (`scheduled_time`,`id`) WHERE status = 'FAILED';--> statement-breakpoint
CREATE TABLE `payments` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`user_id` text,
	`type` text NOT NULL,
	`status` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`credits_added` integer NOT NULL,
	`plan_name` text,
	`description` text,
	`chargebee_customer_id` text,
	`chargebee_invoice_id` text,
	`source` text,
	`transaction_date` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `payments_source` ON `payments` (`source`);--> statement-breakpoint
CREATE INDEX `payments_date` ON `payments` (`transaction_date`,`id`);--> statement-breakpoint
CREATE INDEX `payments_brand` ON `payments` (`brand_id`,`transaction_date`,`id`);--> statement-breakpoint
CREATE TABLE `email_accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text,
	`email` text NOT NULL,
	`display_name` text,
	`provider` text NOT NULL,
	`account_type` text NOT NULL,
	`host` text,
	`port` integer,
	`security` text,
	`private_host` integer DEFAULT false NOT NULL,
	`username` text,
	`secret` text,
	`connection_status` text NOT NULL,
	`connection_error` text,
	`workspace_domain` text,
	`is_active` integer DEFAULT true NOT NULL,
	`daily_limit` integer NOT NULL,
	`timezone` text DEFAULT 'UTC' NOT NULL,
	`paused_until` integer,
	`paused_reason` text,
	`failures` integer DEFAULT 0 NOT NULL,
	`warmup_status` text DEFAULT 'NOT_STARTED' NOT NULL,
	`warmup_started_at` integer,
	`warmup_paused_at` integer,
	`last_used_at` integer,
	`proved_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_proved` ON `email_accounts` (`email`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `email_accounts_of_brand` ON `email_accounts` (`email`,`brand_id`);--> statement-breakpoint
CREATE INDEX `email_accounts_brand` ON `email_accounts` (`brand_id`);--> statement-breakpoint
CREATE INDEX `email_accounts_order` ON `email_accounts` (`email`,`id`);--> statement-breakpoint
CREATE TABLE `sender_days` (
	`sender_id` text NOT NULL,
	`day` text NOT NULL,
	`sends` integer NOT NULL,
	`warmup_sends` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sender_days_key` ON `sender_days` (`sender_id`,`day`);--> statement-breakpoint
CREATE INDEX `sender_days_warmup` ON `sender_days` (`sender_id`,`warmup_sends`) WHERE warmup_sends > 0;--> statement-breakpoint
CREATE TABLE `voicemail_accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`brand_id` text NOT NULL,
	`phone_number` text NOT NULL,
	`display_name` text NOT NULL,
	`provider` text DEFAULT 'TWILIO' NOT NULL,
	`is_active` integer DEFAULT true NOT NULL,
	`proved_at` integer,
	`inactive_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`brand_id`) REFERENCES `brands`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_proved` ON `voicemail_accounts` (`phone_number`) WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `voicemail_accounts_of_brand` ON `voicemail_accounts` (`phone_number`,`brand_id`);--> statement-breakpoint
CREATE INDEX `voicemail_accounts_brand` ON `voicemail_accounts` (`brand_id`,`id`);
--> statement-breakpoint
CREATE TABLE `contact_numbers` (
	`number` integer PRIMARY KEY,
	`contact_id` text NOT NULL UNIQUE
);
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_terms` USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[]^_{|}~'");
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_term_list` USING fts5vocab(contact_terms, instance);
