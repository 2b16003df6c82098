ALTER TABLE "ledger_entries" ALTER COLUMN "seq" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "ledger_entries" ALTER COLUMN "seal" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "ledger_entries" ALTER COLUMN "seal" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "head" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_accounts" ADD COLUMN "seal" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "credit_lots" ADD COLUMN "seal" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_key";
--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_key" PRIMARY KEY("brand_id","seq");