CREATE TABLE "bans" (
	"id" text PRIMARY KEY NOT NULL,
	"scope" text NOT NULL,
	"email" text,
	"phone" text,
	"reason" text,
	"source" text NOT NULL,
	"message_got" text,
	"sentiment_score" double precision,
	"created_by" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "brand_days" (
	"start" bigint PRIMARY KEY NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "brands" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"owner_id" text,
	"timezone" text DEFAULT 'UTC' NOT NULL,
	"postal_address" text,
	"twilio_account_sid" text,
	"twilio_auth_token" text,
	"twillio_messaging_service_sid" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "campaign_senders" (
	"campaign_id" text NOT NULL,
	"sender_id" text NOT NULL,
	CONSTRAINT "campaign_senders_key" PRIMARY KEY("campaign_id","sender_id")
);
--> statement-breakpoint
CREATE TABLE "campaign_steps" (
	"campaign_id" text NOT NULL,
	"stage" integer NOT NULL,
	"channel" text NOT NULL,
	"delay" bigint NOT NULL,
	"subject" text,
	"body" text NOT NULL,
	CONSTRAINT "campaign_steps_key" PRIMARY KEY("campaign_id","stage")
);
--> statement-breakpoint
CREATE TABLE "campaigns" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"name" text NOT NULL,
	"status" text NOT NULL,
	"status_reason" text,
	"channels" jsonb NOT NULL,
	"timezone" text NOT NULL,
	"send_windows" jsonb NOT NULL,
	"start_at" bigint,
	"end_at" bigint,
	"stop_on_reply" boolean DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"launched_at" bigint,
	"completed_at" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chargebee_customers" (
	"customer_id" text PRIMARY KEY NOT NULL,
	"brand_id" text,
	"email" text,
	"named_brand_id" text,
	"version" bigint NOT NULL,
	"linked_by" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chargebee_events" (
	"id" text PRIMARY KEY NOT NULL,
	"event_type" text NOT NULL,
	"occurred_at" bigint NOT NULL,
	"customer_id" text,
	"body" text NOT NULL,
	"came_by" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" bigint,
	"received_at" bigint NOT NULL,
	"processed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "chargebee_reconciliations" (
	"id" text PRIMARY KEY NOT NULL,
	"started_at" bigint NOT NULL,
	"since" bigint NOT NULL,
	"finished_at" bigint,
	"seen" integer DEFAULT 0 NOT NULL,
	"added" integer DEFAULT 0 NOT NULL,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "chargebee_resources" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"customer_id" text,
	"belongs_to" text,
	"version" bigint NOT NULL,
	"facts" jsonb NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "chargebee_resources_key" PRIMARY KEY("kind","id")
);
--> statement-breakpoint
CREATE TABLE "contacts" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"email" text,
	"phone" text,
	"first_name" text,
	"last_name" text,
	"company" text,
	"timezone" text,
	"custom" jsonb NOT NULL,
	"email_bounced_at" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "conversations" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"campaign_id" text NOT NULL,
	"contact_id" text NOT NULL,
	"mode" text DEFAULT 'AUTO' NOT NULL,
	"status" text NOT NULL,
	"sender_id" text,
	"unread" boolean DEFAULT false NOT NULL,
	"sentiment_score" double precision,
	"replied_at" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "inbound_messages" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"conversation_id" text NOT NULL,
	"channel" text NOT NULL,
	"provider_id" text NOT NULL,
	"intent" text NOT NULL,
	"subject" text,
	"text" text NOT NULL,
	"sentiment_score" double precision,
	"received_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "campaign_credits" (
	"campaign_id" text NOT NULL,
	"credit_type" text NOT NULL,
	"reserved" bigint NOT NULL,
	"used" bigint NOT NULL,
	"released" bigint NOT NULL,
	CONSTRAINT "campaign_credits_key" PRIMARY KEY("campaign_id","credit_type")
);
--> statement-breakpoint
CREATE TABLE "credit_accounts" (
	"brand_id" text PRIMARY KEY NOT NULL,
	"granted" bigint NOT NULL,
	"available" bigint NOT NULL,
	"reserved" bigint NOT NULL,
	"used" bigint NOT NULL,
	"expired" bigint NOT NULL,
	"clawed_back" bigint NOT NULL,
	"debt" bigint DEFAULT 0 NOT NULL,
	"entries" bigint DEFAULT 0 NOT NULL,
	"head" text DEFAULT '' NOT NULL,
	"seal" text DEFAULT '' NOT NULL,
	"low_since" bigint,
	CONSTRAINT "credit_accounts_nothing_negative" CHECK ("credit_accounts"."available" >= 0 and "credit_accounts"."reserved" >= 0 and "credit_accounts"."used" >= 0),
	CONSTRAINT "credit_accounts_debt" CHECK ("credit_accounts"."debt" >= 0 and ("credit_accounts"."debt" = 0 or "credit_accounts"."available" = 0)),
	CONSTRAINT "credit_accounts_balanced" CHECK ("credit_accounts"."granted" = "credit_accounts"."available" + "credit_accounts"."reserved" + "credit_accounts"."used" + "credit_accounts"."expired" + "credit_accounts"."clawed_back")
);
--> statement-breakpoint
CREATE TABLE "credit_clawbacks" (
	"source" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"amount" bigint NOT NULL,
	"lot_source" text,
	"reason" text NOT NULL,
	"actor_id" text,
	"at" bigint NOT NULL,
	"done_at" bigint,
	"created_at" bigint NOT NULL,
	CONSTRAINT "credit_clawbacks_amount" CHECK ("credit_clawbacks"."amount" > 0)
);
--> statement-breakpoint
CREATE TABLE "credit_holds" (
	"message_id" text NOT NULL,
	"lot_id" text NOT NULL,
	"brand_id" text NOT NULL,
	"campaign_id" text NOT NULL,
	"credit_type" text NOT NULL,
	"amount" bigint NOT NULL,
	"weight" bigint NOT NULL,
	CONSTRAINT "credit_holds_key" PRIMARY KEY("message_id","lot_id"),
	CONSTRAINT "credit_holds_amount" CHECK ("credit_holds"."amount" >= 0)
);
--> statement-breakpoint
CREATE TABLE "credit_lots" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"kind" text NOT NULL,
	"granted" bigint NOT NULL,
	"remaining" bigint NOT NULL,
	"expired" bigint DEFAULT 0 NOT NULL,
	"repaid" bigint DEFAULT 0 NOT NULL,
	"expires_at" bigint,
	"source" text,
	"created_at" bigint NOT NULL,
	"seal" text DEFAULT '' NOT NULL,
	CONSTRAINT "credit_lots_remaining" CHECK ("credit_lots"."remaining" >= 0 and "credit_lots"."remaining" <= "credit_lots"."granted"),
	CONSTRAINT "credit_lots_gone" CHECK ("credit_lots"."expired" >= 0 and "credit_lots"."repaid" >= 0)
);
--> statement-breakpoint
CREATE TABLE "credit_weight_changes" (
	"id" text PRIMARY KEY NOT NULL,
	"credit_type" text NOT NULL,
	"previous_weight" bigint NOT NULL,
	"weight" bigint NOT NULL,
	"actor_id" text,
	"changed_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credit_weights" (
	"credit_type" text PRIMARY KEY NOT NULL,
	"weight" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"id" text NOT NULL,
	"brand_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"kind" text NOT NULL,
	"amount" bigint NOT NULL,
	"lot_id" text NOT NULL,
	"credit_type" text,
	"campaign_id" text,
	"message_id" text,
	"reason" text,
	"actor_id" text,
	"created_at" bigint NOT NULL,
	"seal" text NOT NULL,
	"part" integer,
	CONSTRAINT "ledger_entries_key" PRIMARY KEY("brand_id","seq"),
	CONSTRAINT "ledger_amount" CHECK ("ledger_entries"."amount" >= 0)
);
--> statement-breakpoint
CREATE TABLE "unused_files" (
	"name" text PRIMARY KEY NOT NULL,
	"since" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"account_id" text NOT NULL,
	"provider_id" text NOT NULL,
	"password" text,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" bigint,
	"refresh_token_expires_at" bigint,
	"scope" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"config_id" text DEFAULT 'default' NOT NULL,
	"name" text,
	"start" text,
	"prefix" text,
	"key" text NOT NULL,
	"reference_id" text NOT NULL,
	"refill_interval" integer,
	"refill_amount" integer,
	"last_refill_at" bigint,
	"enabled" boolean DEFAULT true,
	"rate_limit_enabled" boolean DEFAULT false,
	"rate_limit_time_window" integer,
	"rate_limit_max" integer,
	"request_count" integer DEFAULT 0,
	"remaining" integer,
	"last_request" bigint,
	"expires_at" bigint,
	"kind" text DEFAULT 'PERSONAL' NOT NULL,
	"session_id" text,
	"permissions" text,
	"metadata" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"answer" text NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_key" PRIMARY KEY("user_id","key")
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"name" text,
	"role" text DEFAULT 'user' NOT NULL,
	"brand_id" text,
	"brand_name" text,
	"token_hash" text NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" bigint NOT NULL,
	"accepted_at" bigint,
	"user_id" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "known_clients" (
	"account" text NOT NULL,
	"client" text NOT NULL,
	"seen_at" bigint NOT NULL,
	CONSTRAINT "known_clients_key" PRIMARY KEY("account","client")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"token" text NOT NULL,
	"expires_at" bigint NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"impersonated_by" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"signed_in_at" bigint,
	"last_seen_at" bigint
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_counters" (
	"bucket" integer PRIMARY KEY NOT NULL,
	"full_again_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"role" text DEFAULT 'user' NOT NULL,
	"banned" boolean DEFAULT false,
	"ban_reason" text,
	"ban_expires" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "import_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"campaign_id" text NOT NULL,
	"file_name" text NOT NULL,
	"status" text NOT NULL,
	"mapping" jsonb,
	"on_duplicate" text NOT NULL,
	"rows" integer DEFAULT 0 NOT NULL,
	"last_line" integer DEFAULT 0 NOT NULL,
	"verdicts" jsonb NOT NULL,
	"error" text,
	"file_bytes" bigint DEFAULT 0 NOT NULL,
	"result_bytes" bigint DEFAULT 0 NOT NULL,
	"created_at" bigint NOT NULL,
	"finished_at" bigint
);
--> statement-breakpoint
CREATE TABLE "import_rows" (
	"job_id" text NOT NULL,
	"line" integer NOT NULL,
	"verdict" text NOT NULL,
	"email" text,
	"phone" text,
	"message" text,
	CONSTRAINT "import_rows_key" PRIMARY KEY("job_id","line")
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "daily_counts" (
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"day" bigint NOT NULL,
	"used" bigint NOT NULL,
	CONSTRAINT "daily_counts_key" PRIMARY KEY("subject","name","day")
);
--> statement-breakpoint
CREATE TABLE "limit_overrides" (
	"scope" text NOT NULL,
	"name" text NOT NULL,
	"value" bigint,
	"changed_by" text NOT NULL,
	"changed_at" bigint NOT NULL,
	CONSTRAINT "limit_overrides_key" PRIMARY KEY("scope","name")
);
--> statement-breakpoint
CREATE TABLE "token_buckets" (
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"full_at" bigint NOT NULL,
	CONSTRAINT "token_buckets_key" PRIMARY KEY("subject","name")
);
--> statement-breakpoint
CREATE TABLE "usage_counts" (
	"scope" text NOT NULL,
	"name" text NOT NULL,
	"used" bigint NOT NULL,
	CONSTRAINT "usage_counts_key" PRIMARY KEY("scope","name")
);
--> statement-breakpoint
CREATE TABLE "message_counts" (
	"campaign_id" text NOT NULL,
	"stage" integer NOT NULL,
	"status" text NOT NULL,
	"count" integer NOT NULL,
	CONSTRAINT "message_counts_key" PRIMARY KEY("campaign_id","stage","status")
);
--> statement-breakpoint
CREATE TABLE "message_tallies" (
	"span" text NOT NULL,
	"kind" text NOT NULL,
	"start" bigint NOT NULL,
	"status" text NOT NULL,
	"shard" integer NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "message_tallies_key" PRIMARY KEY("span","kind","start","status","shard")
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"campaign_id" text NOT NULL,
	"conversation_id" text NOT NULL,
	"contact_id" text NOT NULL,
	"stage" integer NOT NULL,
	"channel" text NOT NULL,
	"status" text NOT NULL,
	"scheduled_time" bigint NOT NULL,
	"run_at" bigint NOT NULL,
	"sender_id" text,
	"lease_until" bigint,
	"claim" text,
	"fence" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"message_key" text,
	"provider_id" text,
	"error_message" text,
	"cancel_reason" text,
	"credits" bigint NOT NULL,
	"processed_at" bigint,
	"created_at" bigint NOT NULL,
	"subject" text,
	"text" text
);
--> statement-breakpoint
CREATE TABLE "payments" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"user_id" text,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"amount_minor" bigint NOT NULL,
	"currency" text NOT NULL,
	"credits_added" bigint NOT NULL,
	"plan_name" text,
	"description" text,
	"chargebee_customer_id" text,
	"chargebee_invoice_id" text,
	"source" text,
	"transaction_date" bigint NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "email_accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text,
	"email" text NOT NULL,
	"display_name" text,
	"provider" text NOT NULL,
	"account_type" text NOT NULL,
	"host" text,
	"port" integer,
	"security" text,
	"private_host" boolean DEFAULT false NOT NULL,
	"username" text,
	"secret" text,
	"connection_status" text NOT NULL,
	"connection_error" text,
	"workspace_domain" text,
	"is_active" boolean DEFAULT true NOT NULL,
	"daily_limit" integer NOT NULL,
	"timezone" text DEFAULT 'UTC' NOT NULL,
	"paused_until" bigint,
	"paused_reason" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"warmup_status" text DEFAULT 'NOT_STARTED' NOT NULL,
	"warmup_started_at" bigint,
	"warmup_paused_at" bigint,
	"last_used_at" bigint,
	"proved_at" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sender_days" (
	"sender_id" text NOT NULL,
	"day" text NOT NULL,
	"sends" integer NOT NULL,
	"warmup_sends" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "voicemail_accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"brand_id" text NOT NULL,
	"phone_number" text NOT NULL,
	"display_name" text NOT NULL,
	"provider" text DEFAULT 'TWILIO' NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"proved_at" bigint,
	"inactive_reason" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "campaign_senders" ADD CONSTRAINT "campaign_senders_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_steps" ADD CONSTRAINT "campaign_steps_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chargebee_customers" ADD CONSTRAINT "chargebee_customers_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_contact_id_contacts_id_fk" FOREIGN KEY ("contact_id") REFERENCES "public"."contacts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD CONSTRAINT "credit_accounts_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_clawbacks" ADD CONSTRAINT "credit_clawbacks_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_lots" ADD CONSTRAINT "credit_lots_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_jobs" ADD CONSTRAINT "import_jobs_campaign_id_campaigns_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaigns"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_rows" ADD CONSTRAINT "import_rows_job_id_import_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."import_jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "email_accounts" ADD CONSTRAINT "email_accounts_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "voicemail_accounts" ADD CONSTRAINT "voicemail_accounts_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "bans_email" ON "bans" USING btree ("scope","email");--> statement-breakpoint
CREATE UNIQUE INDEX "bans_phone" ON "bans" USING btree ("scope","phone");--> statement-breakpoint
CREATE INDEX "bans_created" ON "bans" USING btree ("scope","created_at","id");--> statement-breakpoint
CREATE INDEX "bans_by_email" ON "bans" USING btree ("scope",(case when "email" is null then '' else "email" end),"id");--> statement-breakpoint
CREATE UNIQUE INDEX "brands_owner" ON "brands" USING btree ("owner_id");--> statement-breakpoint
CREATE INDEX "brands_created" ON "brands" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "campaigns_brand" ON "campaigns" USING btree ("brand_id","id");--> statement-breakpoint
CREATE INDEX "campaigns_status" ON "campaigns" USING btree ("status");--> statement-breakpoint
CREATE INDEX "chargebee_customers_brand" ON "chargebee_customers" USING btree ("brand_id");--> statement-breakpoint
CREATE INDEX "chargebee_events_due" ON "chargebee_events" USING btree ("due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "chargebee_events_status" ON "chargebee_events" USING btree ("status","occurred_at","id");--> statement-breakpoint
CREATE INDEX "chargebee_events_received" ON "chargebee_events" USING btree ("occurred_at","id");--> statement-breakpoint
CREATE INDEX "chargebee_events_customer" ON "chargebee_events" USING btree ("customer_id");--> statement-breakpoint
CREATE INDEX "chargebee_reconciliations_started" ON "chargebee_reconciliations" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "chargebee_resources_belonging" ON "chargebee_resources" USING btree ("kind","belongs_to");--> statement-breakpoint
CREATE UNIQUE INDEX "contacts_email" ON "contacts" USING btree ("brand_id","email");--> statement-breakpoint
CREATE UNIQUE INDEX "contacts_phone" ON "contacts" USING btree ("brand_id","phone");--> statement-breakpoint
CREATE INDEX "contacts_brand" ON "contacts" USING btree ("brand_id","id");--> statement-breakpoint
CREATE INDEX "contacts_by_email" ON "contacts" USING btree ("email");--> statement-breakpoint
CREATE INDEX "contacts_by_phone" ON "contacts" USING btree ("phone");--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_member" ON "conversations" USING btree ("campaign_id","contact_id");--> statement-breakpoint
CREATE INDEX "conversations_contact" ON "conversations" USING btree ("contact_id","id");--> statement-breakpoint
CREATE INDEX "conversations_campaign" ON "conversations" USING btree ("campaign_id","id");--> statement-breakpoint
CREATE INDEX "conversations_brand" ON "conversations" USING btree ("brand_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "inbound_provider" ON "inbound_messages" USING btree ("brand_id","provider_id");--> statement-breakpoint
CREATE INDEX "inbound_conversation" ON "inbound_messages" USING btree ("conversation_id","id");--> statement-breakpoint
CREATE INDEX "credit_clawbacks_brand" ON "credit_clawbacks" USING btree ("brand_id","at");--> statement-breakpoint
CREATE INDEX "credit_clawbacks_waiting" ON "credit_clawbacks" USING btree ("lot_source") WHERE done_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "credit_lots_source" ON "credit_lots" USING btree ("source");--> statement-breakpoint
CREATE INDEX "credit_lots_spendable" ON "credit_lots" USING btree ("brand_id","expires_at") WHERE remaining > 0;--> statement-breakpoint
CREATE INDEX "credit_weight_changes_type" ON "credit_weight_changes" USING btree ("credit_type","id");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_once" ON "ledger_entries" USING btree ("message_id","kind","part") WHERE message_id is not null;--> statement-breakpoint
CREATE INDEX "accounts_user" ON "accounts" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_key" ON "api_keys" USING btree ("key");--> statement-breakpoint
CREATE INDEX "api_keys_reference" ON "api_keys" USING btree ("reference_id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_created" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_token" ON "invitations" USING btree ("token_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open" ON "invitations" USING btree ("email") WHERE accepted_at is null;--> statement-breakpoint
CREATE INDEX "known_clients_seen" ON "known_clients" USING btree ("seen_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_token" ON "sessions" USING btree ("token");--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sign_in_counters_full" ON "sign_in_counters" USING btree ("full_again_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email" ON "users" USING btree ("email");--> statement-breakpoint
CREATE INDEX "users_unverified" ON "users" USING btree ("created_at") WHERE not email_verified;--> statement-breakpoint
CREATE INDEX "verifications_identifier" ON "verifications" USING btree ("identifier");--> statement-breakpoint
CREATE INDEX "import_jobs_status" ON "import_jobs" USING btree ("status");--> statement-breakpoint
CREATE INDEX "import_jobs_campaign" ON "import_jobs" USING btree ("campaign_id");--> statement-breakpoint
CREATE INDEX "daily_counts_day" ON "daily_counts" USING btree ("day");--> statement-breakpoint
CREATE INDEX "token_buckets_full" ON "token_buckets" USING btree ("full_at");--> statement-breakpoint
CREATE UNIQUE INDEX "messages_stage" ON "messages" USING btree ("conversation_id","stage");--> statement-breakpoint
CREATE INDEX "messages_due" ON "messages" USING btree ("run_at","id","sender_id") WHERE status = 'PENDING';--> statement-breakpoint
CREATE INDEX "messages_lease" ON "messages" USING btree ("lease_until") WHERE status = 'SENDING';--> statement-breakpoint
CREATE INDEX "messages_unknown" ON "messages" USING btree ("run_at") WHERE status = 'UNKNOWN';--> statement-breakpoint
CREATE INDEX "messages_campaign" ON "messages" USING btree ("campaign_id","id");--> statement-breakpoint
CREATE INDEX "messages_parked" ON "messages" USING btree ("campaign_id","scheduled_time","id") WHERE status = 'PENDING' and run_at = 8640000000000000;--> statement-breakpoint
CREATE INDEX "messages_follow_ups" ON "messages" USING btree ("scheduled_time","id") WHERE stage > 0;--> statement-breakpoint
CREATE INDEX "messages_openings" ON "messages" USING btree ("scheduled_time","id") WHERE stage = 0;--> statement-breakpoint
CREATE INDEX "messages_brand" ON "messages" USING btree ("brand_id","scheduled_time","id") WHERE stage > 0;--> statement-breakpoint
CREATE INDEX "messages_cancelled" ON "messages" USING btree ("scheduled_time","id") WHERE status = 'CANCELLED';--> statement-breakpoint
CREATE INDEX "messages_failed" ON "messages" USING btree ("scheduled_time","id") WHERE status = 'FAILED';--> statement-breakpoint
CREATE UNIQUE INDEX "payments_source" ON "payments" USING btree ("source");--> statement-breakpoint
CREATE INDEX "payments_date" ON "payments" USING btree ("transaction_date","id");--> statement-breakpoint
CREATE INDEX "payments_brand" ON "payments" USING btree ("brand_id","transaction_date","id");--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_proved" ON "email_accounts" USING btree ("email") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "email_accounts_of_brand" ON "email_accounts" USING btree ("email","brand_id");--> statement-breakpoint
CREATE INDEX "email_accounts_brand" ON "email_accounts" USING btree ("brand_id");--> statement-breakpoint
CREATE INDEX "email_accounts_order" ON "email_accounts" USING btree ("email","id");--> statement-breakpoint
CREATE UNIQUE INDEX "sender_days_key" ON "sender_days" USING btree ("sender_id","day");--> statement-breakpoint
CREATE INDEX "sender_days_warmup" ON "sender_days" USING btree ("sender_id","warmup_sends") WHERE warmup_sends > 0;--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_proved" ON "voicemail_accounts" USING btree ("phone_number") WHERE proved_at is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "voicemail_accounts_of_brand" ON "voicemail_accounts" USING btree ("phone_number","brand_id");--> statement-breakpoint
CREATE INDEX "voicemail_accounts_brand" ON "voicemail_accounts" USING btree ("brand_id","id");
--> statement-breakpoint
--> statement-breakpoint
CREATE TABLE "contact_words" (
	"brand_id" text NOT NULL,
	"word" text COLLATE "C" NOT NULL,
	"contact_id" text NOT NULL,
	CONSTRAINT "contact_words_key" PRIMARY KEY("brand_id","word","contact_id")
);
