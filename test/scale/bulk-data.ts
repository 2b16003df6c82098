import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import { SLICE_ROWS } from "../../src/db/slices.ts";
import type { Store } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import type { CampaignRow } from "../../src/modules/campaigns/campaigns.ts";
import { getCampaign } from "../../src/modules/campaigns/lifecycle.ts";
import { grant } from "../../src/modules/credits/ledger.ts";

// Seeds a platform on which each bulk operation has as many rows as a large customer has.

/** Rows of each bulk operation. */
export const BULK_ROWS = Number(process.env.BULK_ROWS ?? 200_000);

/** Returns SQL for a table `n(i)` of the numbers from 0. */
export const numberTable = (count: number) =>
  dialect === "postgres"
    ? `(select generate_series(0::bigint, ${count - 1}) as i) n`
    : `(with recursive r(i) as (select 0 union all select i + 1 from r where i < ${count - 1}) select i from r) n`;

/** Returns SQL for ids as long as real ones, sorted like their numbers. */
const id = (kind: string, number: string | number) => `'019a8a3e-5a00-7${kind}-8000-' || (100000000000 + ${number})`;
const idOf = (kind: string, number: number) => `019a8a3e-5a00-7${kind}-8000-${100_000_000_000 + number}`;

export const BULK_IDS = {
  /** Brand with a campaign to all contacts, from three mailboxes. */
  brandId: idOf("002", 0),
  /** Brand with nothing but a draft, contacts and bans. */
  draftBrandId: idOf("002", 1),
  campaignId: idOf("004", 0),
  mailboxes: [0, 1, 2].map((n) => idOf("003", n)),
};

/** Inserts two brands, each with a draft campaign of `rows` contacts, with one statement for each table. */
export async function seedBulkData(store: Store, rows: number): Promise<void> {
  const now = Date.now();
  const both = [0, 1];
  const statements = [
    `insert into users (id, name, email, role, created_at, updated_at) select ${id("001", "n.i")}, 'Owner', 'o' || n.i || '@x.example', 'user', ${now}, ${now} from ${numberTable(2)}`,
    `insert into brands (id, name, owner_id, timezone, created_at, updated_at) select ${id("002", "n.i")}, 'Brand ' || n.i, ${id("001", "n.i")}, 'UTC', ${now}, ${now} from ${numberTable(2)}`,
    `insert into email_accounts (id, brand_id, email, provider, account_type, host, port, security, username, connection_status, is_active, daily_limit, timezone, failures, proved_at, created_at, updated_at)
       select ${id("003", "n.i")}, ${id("002", 0)}, 'box' || n.i || '@x.example', 'SMTP', 'SMTP', 'smtp.x.example', 587, 'STARTTLS', 'u', 'CONNECTED', true, 1000000, 'UTC', 0, ${now}, ${now}, ${now} from ${numberTable(3)}`,
    ...both.flatMap((n) => [
      `insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, created_at, updated_at)
         values ('${idOf("004", n)}', '${idOf("002", n)}', 'Large', 'DRAFT', '["EMAIL"]', 'UTC', '[]', ${now}, ${now})`,
      `insert into campaign_steps (campaign_id, stage, channel, delay, subject, body) values ('${idOf("004", n)}', 0, 'EMAIL', 0, 'Hello', 'Hello')`,
      `insert into contacts (id, brand_id, email, first_name, custom, created_at, updated_at)
         select ${id("005", `n.i + ${n * rows}`)}, '${idOf("002", n)}', 'p' || n.i || '@people.example', 'Ann', '{}', ${now}, ${now} from ${numberTable(rows)}`,
      `insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, created_at, updated_at)
         select ${id("006", `n.i + ${n * rows}`)}, '${idOf("002", n)}', '${idOf("004", n)}', ${id("005", `n.i + ${n * rows}`)}, 'AUTO', 'QUEUED', ${now}, ${now} from ${numberTable(rows)}`,
    ]),
    `insert into campaign_senders (campaign_id, sender_id) select ${id("004", 0)}, ${id("003", "n.i")} from ${numberTable(3)}`,
    `insert into bans (id, scope, email, source, created_at) select ${id("008", "n.i")}, ${id("002", 1)}, 'b' || n.i || '@people.example', 'MANUAL', ${now} from ${numberTable(rows)}`,
    `insert into sessions (id, user_id, token, expires_at, created_at, updated_at) select ${id("009", "n.i")}, ${id("001", 0)}, 't' || n.i, 1, 1, 1 from ${numberTable(rows)}`,
    `insert into idempotency_keys (user_id, key, fingerprint, answer, created_at) select ${id("001", 0)}, 'k' || n.i, 'f', 'a', 1 from ${numberTable(rows)}`,
    ...(dialect === "postgres" ? ["analyze"] : []),
  ];
  await store.write(async (tx) => {
    if (dialect === "postgres") await tx.all(sql.raw("set local statement_timeout = 0"));
    for (const statement of statements) await tx.all(sql.raw(statement));
    await grant(tx, { brandId: BULK_IDS.brandId, amount: 1000 * rows, kind: "PURCHASED", reason: "bulk" });
  });
}

export function getBulkCampaign(store: Store): Promise<CampaignRow> {
  return getCampaign(store.read, BULK_IDS.campaignId, tenantScope(SYSTEM));
}

/** Measurements of the event loop and the process during some work. */
export interface WorkReport<T> {
  result: T;
  /** Turns of the event loop: waiting requests are answered in each. */
  turns: number;
  /** Largest growth of the process, in megabytes. */
  grownMb: number;
  seconds: number;
}

const megabytes = () => process.memoryUsage.rss() / 2 ** 20;

/** Runs `work` and measures the event loop meanwhile. */
export async function measureWork<T>(what: string, work: () => Promise<T>): Promise<WorkReport<T>> {
  Bun.gc(true);
  const before = megabytes();
  let [turns, grownMb, longest, last, running] = [0, 0, 0, performance.now(), true];
  const began = last;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    turns++;
    if (turns % 64 === 0) grownMb = Math.max(grownMb, megabytes() - before);
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  try {
    const result = await work();
    const seconds = (performance.now() - began) / 1000;
    const figures = `${seconds.toFixed(1)} s, ${turns} turns, longest ${longest.toFixed(0)} ms, grown ${grownMb.toFixed(0)} MB`;
    console.log(`bulk: ${what}: ${figures}`);
    return { result, turns, grownMb, seconds };
  } finally {
    running = false;
  }
}

/** Asserts that the event loop turned at least once for each slice, and that memory did not grow with the rows. */
export function expectSlicedWork({ turns, grownMb }: WorkReport<unknown>, rows = BULK_ROWS): void {
  expect(turns).toBeGreaterThanOrEqual(Math.floor(rows / SLICE_ROWS));
  expect(grownMb).toBeLessThan(400);
}
