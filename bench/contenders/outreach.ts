import { sql } from "drizzle-orm";
import type { Channel } from "../../src/channels/channel.ts";
import { dialect } from "../../src/db/dialect.ts";
import { valuesTable } from "../../src/db/sql.ts";
import type { Store } from "../../src/db/store.ts";
import type { Instant } from "../../src/lib/clock.ts";
import type { ParsedRow } from "../../src/modules/contacts/parse-contact.ts";
import { launchSeededCampaign, type SeededBrand, seedBrand, seedContacts } from "../../src/simulator/seed.ts";

const BATCH_ROWS = 500;

export interface OutreachPlan {
  name: string;
  contacts: number;
  mailboxes: number;
  /** Stages of the campaign, including the first. */
  stages: number;
}

/** Creates a brand whose campaign is ready to launch, with its contacts. Each follow-up is due a day after the stage before. */
export async function seedOutreach(store: Store, plan: OutreachPlan): Promise<SeededBrand> {
  const { name, contacts, mailboxes, stages } = plan;
  const steps = Array.from({ length: stages }, (_, stage) => ({
    delayDays: Math.min(stage, 1),
    subject: "For {{ firstName }}",
    body: "Hello {{ firstName }}, are you there?",
  }));
  const brand = await store.write((tx) =>
    seedBrand(tx, {
      name,
      timezone: "UTC",
      postalAddress: "1 Main Street",
      ownerId: null,
      mailboxes: Array.from({ length: mailboxes }, (_, box) => ({
        email: `box${box}@${name.toLowerCase()}.example`,
        displayName: name,
        dailyLimit: 10_000_000,
      })),
      credits: contacts * (stages + 1),
      campaign: { name, sendWindows: [], steps },
    }),
  );
  for (let at = 0; at < contacts; at += BATCH_ROWS) {
    const people = Array.from({ length: Math.min(BATCH_ROWS, contacts - at) }, (_, index) =>
      toRow(`p${at + index}@${name.toLowerCase()}-people.example`),
    );
    await store.write((tx) => seedContacts(tx, brand, people));
  }
  return brand;
}

/** Launches the campaign and updates the database's statistics. */
export async function launchOutreach(store: Store, brand: SeededBrand, contacts: number): Promise<void> {
  await store.write((tx) => launchSeededCampaign(tx, brand, contacts));
  await analyzeTables(store);
}

/** Updates Postgres' statistics, which it does by itself within a minute; on SQLite the service never does. */
export async function analyzeTables(store: Store): Promise<void> {
  if (dialect === "postgres") await store.write((tx) => tx.all(sql`analyze`));
}

function toRow(email: string): ParsedRow {
  const nothing = { phone: null, lastName: null, company: null, timezone: null, custom: {} };
  return { verdict: "ok", contact: { ...nothing, email, firstName: "Ann" } };
}

/**
 * Makes one stage of a campaign due: all messages at `at`, or `perSecond` a second from then on. Returns when each is due. Changes
 * `run_at` only, as a deferral does; the scheduled time is part of the counts.
 */
export async function makeDue(
  store: Store,
  campaignId: string,
  stage: number,
  at: Instant,
  perSecond: number | null,
): Promise<Map<string, Instant>> {
  const pace = perSecond === null ? 0 : 1000 / perSecond;
  const rows = await store.write(async (tx) => {
    const waiting = await tx.all<{ id: string }>(sql`select m.id from messages m
      where m.campaign_id = ${campaignId} and m.stage = ${stage} and m.status = 'PENDING' order by m.id`);
    const due = waiting.map(({ id }, index) => ({ id, at: Math.floor(at + index * pace) }));
    for (let from = 0; from < due.length; from += BATCH_ROWS) {
      const slice = valuesTable("n", due.slice(from, from + BATCH_ROWS), { id: "text", at: "bigint" });
      await tx.all(sql`update messages set run_at = n.at from ${slice} where messages.id = n.id`);
    }
    return due;
  });
  return new Map(rows.map(({ id, at }) => [id, at]));
}

/** Creates a channel that accepts every message at once and calls `onSend`. */
export function createAcceptingChannel(onSend: (messageId: string) => void): Channel {
  return {
    async send({ messageId }) {
      onSend(messageId);
      return { kind: "accepted", providerId: "1" };
    },
    close: async () => {},
  };
}
