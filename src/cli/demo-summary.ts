import { sql } from "drizzle-orm";
import { openStore } from "../db/open.ts";
import type { Reader } from "../db/store.ts";
import { toCredits } from "../modules/credits/amounts.ts";
import type { SimulatedDemo } from "../simulator/demo/world.ts";

interface NamedCount {
  name: string;
  count: unknown;
}

const WORDS: Record<string, string> = {
  REPLY: "replied",
  OPT_OUT: "asked to stop",
  HOSTILE: "hostile replies",
  AUTO_REPLY: "automatic replies (not counted as replies)",
  BOUNCE: "bounced later",
  REPLIED: "because they replied",
  UNSUBSCRIBED: "because they opted out",
  BANNED: "because they are banned",
  BOUNCED: "because mail to them bounced",
};

const line = (label: string, value: string | number, note = "") =>
  `  ${label.padEnd(34)}${String(value).padStart(7)}${note ? `   ${note}` : ""}`;

/** Returns the summary of the demo in words and figures, from its database. */
export async function formatDemoSummary(told: {
  dataDir: string;
  world: SimulatedDemo;
  seconds: number;
  days: number;
  broken: string[];
}): Promise<string> {
  const { world, seconds, days, broken } = told;
  const store = await openStore({ dataDir: told.dataDir, databaseUrl: null });
  try {
    const { read } = store;
    const { report, rowResults, campaign } = world;
    const file = Object.values(rowResults).reduce((sum, count) => sum + count, 0);
    const stages = await countBy(
      read,
      sql`select stage as name, sum(count) as count from message_counts where campaign_id = ${campaign.campaignId} and status = 'SENT' group by stage order by stage`,
    );
    const inbound = await countBy(
      read,
      sql`select intent as name, count(*) as count from inbound_messages group by intent order by count desc`,
    );
    const cancelled = await countBy(
      read,
      sql`select error_message as name, count(*) as count from messages where status = 'CANCELLED' group by error_message order by count desc`,
    );
    const failed = await countBy(
      read,
      sql`select error_message as name, count(*) as count from messages where status = 'FAILED' group by error_message order by count desc`,
    );
    const [account] = await read.all<{ reserved: number; used: number; available: number }>(
      sql`select reserved, used, available from credit_accounts where brand_id = ${campaign.brandId}`,
    );
    const silent = report.duplicates + report.sentAfterBan + report.sentAfterReply;

    return [
      `Northwind Coffee, "Spring tasting": ${days} days in ${seconds.toFixed(1)} s`,
      "",
      "The contact file",
      line("rows", file),
      ...Object.entries(rowResults).map(([result, count]) => line(`  ${result.replaceAll("_", " ")}`, count)),
      "",
      "Sent",
      ...stages.map(({ name, count }) => line(Number(name) === 0 ? "opening" : `follow-up ${name}`, Number(count))),
      "",
      "Received",
      ...inbound.map(({ name, count }) => line(WORDS[name] ?? name, Number(count))),
      "",
      "Not sent",
      ...cancelled.map(({ name, count }) => line(WORDS[name] ?? name, Number(count))),
      ...failed.map(({ name, count }) => line("failed", Number(count), name)),
      "",
      "Credits",
      line("used", toCredits(account?.used ?? 0)),
      line("held", toCredits(account?.reserved ?? 0)),
      line("left", toCredits(account?.available ?? 0)),
      line("ledger verify", report.ledger),
      "",
      broken.length > 0
        ? `INVARIANTS VIOLATED: ${broken.join("; ")}`
        : `Messages sent twice, after a ban, or after a reply: ${silent}.`,
    ].join("\n");
  } finally {
    await store.close();
  }
}

function countBy(read: Reader, query: ReturnType<typeof sql>): Promise<NamedCount[]> {
  return read.all<NamedCount>(query);
}
