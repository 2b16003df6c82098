import { type SQL, sql } from "drizzle-orm";
import { dialect } from "../../db/dialect.ts";
import { type Bucket, findBucket } from "../../db/offset-buckets.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, HOUR, type Instant } from "../../lib/clock.ts";
import { type MessageStatus, toWireStatus } from "./model.ts";

type Kind = "OPENING" | "FOLLOW_UP";
type WireStatus = ReturnType<typeof toWireStatus>;

/** Messages that reached a status, or (below zero) left it. */
export interface TallyChange {
  stage: number;
  status: MessageStatus;
  scheduledTime: Instant;
  delta: number;
}

const SPANS = { ALL: Number.MAX_SAFE_INTEGER, DAY, HOUR };

/** Rows over which a tally is spread, so that writers of one do not wait for each other. SQLite has one writer. */
const SHARDS = dialect === "postgres" ? 8 : 1;

/** Updates the tallies, in the transaction that changed the messages. */
export async function updateTallies(tx: Tx, changes: readonly TallyChange[]): Promise<void> {
  const shard = tx.now % SHARDS;
  const rows = new Map<
    string,
    { span: string; kind: Kind; start: Instant; status: string; shard: number; count: number }
  >();
  for (const { stage, status: internal, scheduledTime, delta } of changes) {
    const kind = stage === 0 ? "OPENING" : "FOLLOW_UP";
    const status = toWireStatus(internal);
    for (const [span, length] of Object.entries(SPANS)) {
      const start = scheduledTime - (scheduledTime % length);
      const row = { span, kind, start: span === "ALL" ? 0 : start, status, shard, count: 0 } as const;
      const key = `${span} ${kind} ${String(row.start).padStart(16, "0")} ${status}`;
      const counted = rows.get(key) ?? row;
      rows.set(key, { ...counted, count: counted.count + delta });
    }
  }
  // In one order everywhere, so that two transactions never deadlock.
  const moved = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, row]) => (row.count === 0 ? [] : [row]));
  if (moved.length === 0) return;
  const types = {
    span: "text",
    kind: "text",
    start: "bigint",
    status: "text",
    shard: "integer",
    count: "bigint",
  } as const;
  await tx.all(sql`insert into message_tallies (span, kind, start, status, shard, count)
    select n.span, n.kind, n.start, n.status, n.shard, n.count from ${valuesTable("n", moved, types)} where true
    on conflict (span, kind, start, status, shard) do update set count = message_tallies.count + excluded.count`);
}

/** The messages of the platform that a list shows. */
export interface TalliedList {
  /** 1 excludes initial messages. */
  fromStage: 0 | 1;
  status?: WireStatus | undefined;
}

const counted = (span: keyof typeof SPANS, { fromStage, status }: TalliedList): SQL =>
  sql.raw(
    `span = '${span}' and ${fromStage === 1 ? "kind = 'FOLLOW_UP'" : "kind in ('FOLLOW_UP', 'OPENING')"}${status === undefined ? "" : ` and status = '${status}'`}`,
  );

/** Returns how many there are. */
export async function getTallied(read: Reader, which: TalliedList): Promise<number> {
  const [row] = await read.all<{ total: unknown }>(
    sql`select sum(count) as total from message_tallies where ${counted("ALL", which)}`,
  );
  return Number(row?.total ?? 0);
}

/** The span in which the rows of a page are scheduled, and how many rows of that span come before it. */
export interface TimeRange {
  from: Instant;
  to: Instant;
  skip: number;
}

/** Finds the span of rows `first` to `last` (from 0, the latest scheduled first), to the hour. Null beyond the end. */
export async function findTimeRange(
  read: Reader,
  which: TalliedList,
  first: number,
  last: number,
): Promise<TimeRange | null> {
  const days = await getBuckets(read, which, "DAY", sql.empty());
  const [firstDay, lastDay] = [findBucket(days, first), findBucket(days, last)];
  if (!firstDay || !lastDay) return null;
  // A day at a time: asked for both at once, SQLite reads all hours there are.
  const getHours = ({ start }: { start: Instant }) =>
    getBuckets(read, which, "HOUR", sql`and start >= ${start} and start < ${start + DAY}`);
  const topHours = await getHours(firstDay);
  const bottomHours = firstDay.start === lastDay.start ? topHours : await getHours(lastDay);
  const top = findBucket(topHours, first - firstDay.before);
  const bottom = findBucket(bottomHours, last - lastDay.before);
  if (!top || !bottom) return null;
  return { from: bottom.start, to: top.start + HOUR, skip: first - firstDay.before - top.before };
}

async function getBuckets(read: Reader, which: TalliedList, span: "DAY" | "HOUR", more: SQL): Promise<Bucket[]> {
  const rows = await read.all<{ start: Instant; count: unknown }>(
    sql`select start, sum(count) as count from message_tallies where ${counted(span, which)} ${more} group by start order by start desc`,
  );
  return rows.map(({ start, count }) => ({ start, count: Number(count) }));
}
