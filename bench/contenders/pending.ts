import { sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import type { Store } from "../../src/db/store.ts";
import { DAY } from "../../src/lib/clock.ts";
import { COUNT_ROWS_SQL } from "../count-rows.ts";

/** Rows per commit, so that SQLite's log does not grow as large as its file. */
const CHUNK_ROWS = 100_000;
/** Follow-ups per conversation, and conversations per contact. */
const FAN_OUT = 10;

/** Builds a table `n(i)` of the numbers from `from` on. */
const numbers = (from: number, count: number) =>
  dialect === "postgres"
    ? `generate_series(${from}::bigint, ${from + count - 1}) as n(i)`
    : `(with recursive r(i) as (select ${from} union all select i + 1 from r where i < ${from + count - 1}) select i from r) n`;

/** Builds ids of the length of UUIDs, in the order of their numbers. */
const id = (kind: string, number: string) => `'019a8a3e-5a00-7${kind}-8000-' || (100000000000 + ${number})`;

/**
 * Writes `count` follow-ups of running campaigns, due in a month or later, into a database without messages. Their credits are
 * not reserved, since they are never sent.
 */
export async function insertPendingMessages(store: Store, count: number): Promise<void> {
  if (count === 0) return;
  const now = Date.now();
  const run = (text: string) => store.write((tx) => tx.all(sql.raw(text)));
  await run(`insert into brands (id, name, timezone, created_at, updated_at)
    values (${id("002", "0")}, 'Pending', 'UTC', ${now}, ${now})`);
  for (let i = 0; i < FAN_OUT; i++)
    await run(`insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, created_at, updated_at)
      values (${id("004", `${i}`)}, ${id("002", "0")}, 'Later ${i}', 'RUNNING', '["EMAIL"]', 'UTC', '[]', ${now}, ${now})`);
  const people = Math.ceil(count / FAN_OUT / FAN_OUT);
  await inChunks(people, (rows) =>
    run(`insert into contacts (id, brand_id, email, first_name, last_name, custom, created_at, updated_at)
      select ${id("005", "n.i")}, ${id("002", "0")}, 'person' || n.i || '@people.example', 'Ann', 'Example ' || n.i, '{}', ${now}, ${now} from ${rows}`),
  );
  await inChunks(people * FAN_OUT, (rows) =>
    run(`insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, created_at, updated_at)
      select ${id("006", "n.i")}, ${id("002", "0")}, ${id("004", `n.i % ${FAN_OUT}`)}, ${id("005", `n.i / ${FAN_OUT}`)}, 'AUTO', 'ACTIVE', ${now}, ${now} from ${rows}`),
  );
  const when = `${now + 30 * DAY} + n.i * ${Math.floor((120 * DAY) / count)}`;
  await inChunks(count, (rows) =>
    run(`insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, credits, created_at)
      select ${id("007", "n.i")}, ${id("002", "0")}, ${id("004", `n.i / ${FAN_OUT} % ${FAN_OUT}`)}, ${id("006", `n.i / ${FAN_OUT}`)}, ${id("005", `n.i / ${FAN_OUT * FAN_OUT}`)},
        1 + n.i % ${FAN_OUT}, 'EMAIL', 'PENDING', ${when}, ${when}, 1000, ${now} from ${rows}`),
  );
  await run(`insert into message_counts (campaign_id, stage, status, count)
    select campaign_id, stage, status, count(*) from messages group by 1, 2, 3`);
  for (const statement of COUNT_ROWS_SQL) await run(statement);
}

async function inChunks(count: number, fill: (rows: string) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += CHUNK_ROWS) await fill(numbers(from, Math.min(CHUNK_ROWS, count - from)));
}
