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
CREATE TABLE "credit_weight_changes" (
	"id" text PRIMARY KEY NOT NULL,
	"credit_type" text NOT NULL,
	"previous_weight" bigint NOT NULL,
	"weight" bigint NOT NULL,
	"actor_id" text,
	"changed_at" bigint NOT NULL
);
--> statement-breakpoint
DROP INDEX "ledger_once";--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "debt" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "entries" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "low_since" bigint;--> statement-breakpoint
ALTER TABLE "credit_lots" ADD COLUMN "expired" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_lots" ADD COLUMN "repaid" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "seal" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "part" integer;--> statement-breakpoint
ALTER TABLE "credit_clawbacks" ADD CONSTRAINT "credit_clawbacks_brand_id_brands_id_fk" FOREIGN KEY ("brand_id") REFERENCES "public"."brands"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "credit_clawbacks_brand" ON "credit_clawbacks" USING btree ("brand_id","at");--> statement-breakpoint
CREATE INDEX "credit_clawbacks_waiting" ON "credit_clawbacks" USING btree ("lot_source") WHERE done_at is null;--> statement-breakpoint
CREATE INDEX "credit_weight_changes_type" ON "credit_weight_changes" USING btree ("credit_type","id");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_once" ON "ledger_entries" USING btree ("message_id","kind","part") WHERE message_id is not null;