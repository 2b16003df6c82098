import { sql } from "drizzle-orm";
import { dialect } from "../db/dialect.ts";
import { forUpdate, rowsOf, skipLocked } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import type { Result } from "./result.ts";

interface Due {
  sender_id: string | null;
  brand_id: string;
}

/**
 * Takes what this turn is going to change and others change too: senders, then accounts, each in the order of their ids.
 * A turn settles before it claims, so taken as they come two replicas would wait for each other in a circle, and Postgres
 * takes a second to notice. Counters belong to a brand whose account is held. SQLite has one writer and needs none of it.
 */
export async function lockAhead(tx: Tx, results: readonly Result[], limit: number): Promise<void> {
  if (dialect === "sqlite") return;
  const due = await tx.all<Due>(sql`select m.sender_id, m.brand_id from messages m
    where m.status = 'PENDING' and m.run_at <= ${tx.now} order by m.run_at, m.id limit ${Math.max(0, limit)} ${skipLocked("m")}`);
  const senders = new Set(results.map(({ claim }) => claim.envelope.sender.id));
  const brands = new Set(results.map(({ claim }) => claim.brandId));
  for (const { sender_id, brand_id } of due) {
    brands.add(brand_id);
    if (sender_id !== null) senders.add(sender_id);
  }
  await tx.all(sql`select s.id from email_accounts s where s.id in (select n.id from ${named(senders)})
    order by s.id ${forUpdate("s")}`);
  await tx.all(sql`select a.brand_id from credit_accounts a where a.brand_id in (select n.id from ${named(brands)})
    order by a.brand_id ${forUpdate("a")}`);
}

const named = (ids: Iterable<string>) =>
  rowsOf(
    "n",
    [...ids].map((id) => ({ id })),
    { id: "text" },
  );
