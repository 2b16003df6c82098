import { sql } from "drizzle-orm";
import { rowsOf } from "../db/sql.ts";
import type { Store, Tx } from "../db/store.ts";
import { type EntryFields, sealOf } from "./seal.ts";

const CHUNK = 1000;

/**
 * Numbers and seals the entries of brands that were kept before entries were numbered and sealed, a brand in a transaction.
 * A brand that has a numbered entry is left alone, so this does its work once. Returns how many brands there were.
 */
export async function sealOlder(store: Store): Promise<number> {
  const older = await store.read.all<{ brand_id: string }>(
    sql`select a.brand_id from credit_accounts a where a.entries = 0 and a.granted > 0 order by a.brand_id`,
  );
  for (const { brand_id } of older) await store.write((tx) => sealBrand(tx, brand_id));
  return older.length;
}

async function sealBrand(tx: Tx, brandId: string): Promise<void> {
  // Taken first: whoever posts entries waits here, and of two that seal one finds nothing to do.
  const taken =
    await tx.all(sql`update credit_accounts set entries = (select count(*) from ledger_entries e where e.brand_id = ${brandId})
    where brand_id = ${brandId} and entries = 0
      and not exists (select 1 from ledger_entries e where e.brand_id = ${brandId} and e.seq > 0) returning brand_id`);
  if (taken.length === 0) return;
  let seq = 0;
  for (let after = ""; ; ) {
    const entries = await tx.all<
      Omit<EntryFields, "seq">
    >(sql`select id, brand_id as "brandId", kind, amount, lot_id as "lotId",
        credit_type as "creditType", campaign_id as "campaignId", message_id as "messageId", reason, actor_id as "actorId",
        created_at as "createdAt" from ledger_entries where brand_id = ${brandId} and id > ${after} order by id limit ${CHUNK}`);
    const last = entries.at(-1);
    if (!last) break;
    const sealed = entries.map((entry) => {
      const fields = { ...entry, seq: ++seq };
      return { id: entry.id, seq, seal: sealOf(fields) };
    });
    await tx.all(sql`update ledger_entries set seq = n.seq, seal = n.seal
      from ${rowsOf("n", sealed, { id: "text", seq: "bigint", seal: "bigint" })}
      where ledger_entries.brand_id = ${brandId} and ledger_entries.id = n.id`);
    after = last.id;
  }
  await tx.all(sql`update ledger_entries set part = n.part from (
      select e.id, row_number() over (partition by e.message_id, e.kind order by e.id) - 1 as part
      from ledger_entries e where e.brand_id = ${brandId} and e.message_id is not null) n
    where ledger_entries.brand_id = ${brandId} and ledger_entries.id = n.id`);
  // What lots lost to time was not kept with them then.
  await tx.all(sql`update credit_lots set expired = coalesce((select sum(e.amount) from ledger_entries e
    where e.brand_id = ${brandId} and e.lot_id = credit_lots.id and e.kind = 'EXPIRE'), 0) where brand_id = ${brandId}`);
}
