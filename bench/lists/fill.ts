import { sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import { openStore } from "../../src/db/open.ts";
import { DAY } from "../../src/lib/clock.ts";
import { COUNT_ROWS_SQL } from "../count-rows.ts";

export interface Sizes {
  followUps: number;
  bans: number;
  brands: number;
}

/** Builds a table `n(i)` of the numbers from 0. */
const numbers = (count: number) =>
  dialect === "postgres"
    ? `(select generate_series(0, ${count - 1}) as i) n`
    : `(with recursive r(i) as (select 0 union all select i + 1 from r where i < ${count - 1}) select i from r) n`;

/** Builds ids of the length of UUIDs, in the order of their numbers. */
const id = (kind: string, number: string) => `'019a8a3e-5a00-7${kind}-8000-' || (100000000000 + ${number})`;
/** Shuffles numbers deterministically. */
const shuffle = (number: string, modulus: number) => `(${number} * 7919 % ${modulus})`;

/** Fills a database with these sizes by a few large statements. Nothing is due, so the delivery engine stays idle. */
export async function fillDatabase(dataDir: string, databaseUrl: string | null, sizes: Sizes): Promise<void> {
  const store = await openStore({ dataDir, databaseUrl, durability: "off" });
  const now = Date.now();
  const threads = Math.max(1, sizes.followUps / 10);
  const people = Math.max(1, threads / 10);
  // Follow-ups over 180 days, a third of them in the future; brands over 1,000 days; bans over 100.
  const when = `${now - 120 * DAY} + ${shuffle("n.i", sizes.followUps)} * ${Math.floor((180 * DAY) / sizes.followUps)}`;
  const status = `case when ${when} > ${now} then 'PENDING' when n.i % 100 = 7 then 'FAILED' when n.i % 10 = 3 then 'CANCELLED' else 'SENT' end`;
  const day = (age: number, count: number) => `${now - age * DAY} + n.i * ${Math.floor((age * DAY) / count)}`;
  const statements = [
    `insert into users (id, name, email, role, created_at, updated_at)
       select ${id("001", "n.i")}, 'Owner ' || n.i, 'owner' || n.i || '@brands.example', 'user', ${now}, ${now} from ${numbers(sizes.brands)}`,
    `insert into brands (id, name, owner_id, timezone, created_at, updated_at)
       select ${id("002", "n.i")}, 'Brand ' || n.i, ${id("001", "n.i")}, 'UTC', ${day(1000, sizes.brands)}, ${now} from ${numbers(sizes.brands)}`,
    `insert into credit_accounts (brand_id, granted, available, reserved, used, expired, clawed_back)
       select ${id("002", "n.i")}, 1000, 1000, 0, 0, 0, 0 from ${numbers(sizes.brands)}`,
    `insert into credit_lots (id, brand_id, kind, granted, remaining, created_at)
       select ${id("003", "n.i")}, ${id("002", "n.i")}, 'PURCHASED', 1000, 1000, ${now} from ${numbers(sizes.brands)}`,
    `insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, created_at, updated_at)
       select ${id("004", "n.i")}, ${id("002", "n.i")}, 'Campaign ' || n.i, 'PAUSED', '["EMAIL"]', 'UTC', '[]', ${now}, ${now} from ${numbers(100)}`,
    `insert into contacts (id, brand_id, email, first_name, last_name, custom, created_at, updated_at)
       select ${id("005", "n.i")}, ${id("002", "n.i % 100")}, 'person' || n.i || '@people.example', 'Ann', 'Example ' || n.i, '{}', ${now}, ${now} from ${numbers(people)}`,
    `insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, created_at, updated_at)
       select ${id("006", "n.i")}, ${id("002", `n.i % ${people} % 100`)}, ${id("004", `n.i / ${people}`)}, ${id("005", `n.i % ${people}`)}, 'AUTO', 'ACTIVE', ${now}, ${now}
       from ${numbers(threads)}`,
    `insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, credits, created_at)
       select ${id("007", "n.i")}, ${id("002", `n.i / 10 % ${people} % 100`)}, ${id("004", `n.i / 10 / ${people}`)}, ${id("006", "n.i / 10")}, ${id("005", `n.i / 10 % ${people}`)},
         1 + n.i % 10, 'EMAIL', ${status}, ${when}, ${now + 1000 * DAY}, 1000, ${now} from ${numbers(sizes.followUps)}`,
    `insert into bans (id, scope, email, reason, source, created_at)
       select ${id("008", "n.i")}, 'platform', 'p' || ${shuffle("n.i", sizes.bans)} || '@banned.example', 'asked by phone', 'MANUAL', ${day(100, sizes.bans)}
       from ${numbers(sizes.bans)}`,
    ...COUNT_ROWS_SQL,
    // Postgres does so by itself; on SQLite the service never does.
    ...(dialect === "postgres" ? ["analyze"] : []),
  ];
  try {
    await store.write(async (tx) => {
      for (const statement of statements) await tx.all(sql.raw(widenIntegers(statement)));
    });
  } finally {
    await store.close();
  }
}

/** Makes the numbers 64 bits wide, which Postgres would treat as 32-bit integers. */
function widenIntegers(statement: string): string {
  return dialect === "postgres"
    ? statement.replaceAll("generate_series(0, ", "generate_series(0::bigint, ")
    : statement;
}
