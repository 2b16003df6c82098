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
ALTER TABLE "chargebee_customers" ADD CONSTRAINT "chargebee_customers_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "chargebee_customers_brand" ON "chargebee_customers" USING btree ("brand_id");--> statement-breakpoint
CREATE INDEX "chargebee_events_due" ON "chargebee_events" USING btree ("due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "chargebee_events_status" ON "chargebee_events" USING btree ("status","occurred_at","id");--> statement-breakpoint
CREATE INDEX "chargebee_events_received" ON "chargebee_events" USING btree ("occurred_at","id");--> statement-breakpoint
CREATE INDEX "chargebee_events_customer" ON "chargebee_events" USING btree ("customer_id");--> statement-breakpoint
CREATE INDEX "chargebee_reconciliations_started" ON "chargebee_reconciliations" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "chargebee_resources_belonging" ON "chargebee_resources" USING btree ("kind","belongs_to");