import { sql } from "drizzle-orm";
import type { Reader } from "../../db/store.ts";
import { DAY, HOUR } from "../../lib/clock.ts";

const WIRE = "case when status in ('SENDING', 'UNKNOWN') then 'PENDING' else status end";
const KIND = "case when stage = 0 then 'OPENING' else 'FOLLOW_UP' end";
const counted = (span: string, start: string) =>
  `select '${span}' as span, ${KIND} as kind, ${start} as start, ${WIRE} as status, count(*) as count from messages group by 1, 2, 3, 4`;

/** Counts all messages and returns a line for each tally that differs. Reads the whole table: for tests and the simulation. */
export async function findTallyMismatches(read: Pick<Reader, "all">): Promise<string[]> {
  const spans = [
    counted("ALL", "0"),
    counted("DAY", `scheduled_time / ${DAY} * ${DAY}`),
    counted("HOUR", `scheduled_time / ${HOUR} * ${HOUR}`),
  ];
  const rows = await read.all<{ span: string; kind: string; start: unknown; status: string; off: unknown }>(
    sql.raw(`select span, kind, start, status, sum(count) as off from (
      select span, kind, start, status, count from message_tallies union all
      select span, kind, start, status, -count from (${spans.join(" union all ")}) found) n
      group by span, kind, start, status having sum(count) <> 0`),
  );
  return rows.map(({ span, kind, start, status, off }) => `${span} ${kind} ${start} ${status} is off by ${off}`);
}
