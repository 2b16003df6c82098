import { sql } from "drizzle-orm";
import { dialect } from "../db/dialect.ts";
import { forUpdate, planAnew, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { isUniqueViolation } from "../db/violations.ts";
import { Fault, notFound } from "../fault.ts";
import { addUsage } from "../limits/usage.ts";
import { reassignAfterMove } from "../messages/reassign.ts";

/** A mailbox that changed hands. */
export interface MovedMailbox {
  id: string;
  email: string;
  /** The brand that lost it; null when it had none. */
  previousBrandName: string | null;
}

export interface Assignment {
  brandName: string;
  /** Those that are the brand's because of this; not those that were before. */
  moved: MovedMailbox[];
}

/**
 * Gives mailboxes to a brand. What was still to leave through them for their old brands gets another mailbox of its own, or
 * waits for one; what is on its way already finishes. Campaigns keep the mailboxes they were given: those of another brand
 * are passed over, and are theirs again when they come back.
 * @throws Fault NOT_FOUND for a missing brand, or listing the ids that are no mailbox's; nothing is moved then
 */
export async function assignMailboxes(tx: Tx, given: readonly string[], brandId: string): Promise<Assignment> {
  await planAnew(tx);
  const [brand] = await tx.all<{ name: string }>(
    sql`select b.name from brands b where b.id = ${brandId} ${forUpdate("b")}`,
  );
  if (!brand) throw notFound("brand", brandId);
  const ids = [...new Set(given)].sort().map((id) => ({ id }));
  const these = sql`(select n.id from ${rowsOf("n", ids, { id: "text" })})`;
  await lockMessages(tx, ids);
  const found = await tx.all<{ id: string; email: string; brand_id: string | null; previous: string | null }>(sql`
    select e.id, e.email, e.brand_id, b.name as previous from email_accounts e left join brands b on b.id = e.brand_id
    where e.id in ${these} order by e.id ${forUpdate("e")}`);
  checkAll(
    ids.map(({ id }) => id),
    found.map(({ id }) => id),
  );
  const moved = found.filter((row) => row.brand_id !== brandId);
  if (moved.length > 0) {
    await moveTo(tx, moved, brandId);
    // An admin decides about the limits too: a mailbox that is given counts, and is never refused.
    const changes = new Map([[brandId, moved.length]]);
    for (const { brand_id: from } of moved) if (from !== null) changes.set(from, (changes.get(from) ?? 0) - 1);
    for (const [brand, change] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await addUsage(tx, brand, "mailboxes", change);
    }
    await reassignAfterMove(
      tx,
      moved.map(({ id }) => id),
      brandId,
    );
  }
  return {
    brandName: brand.name,
    moved: moved.map(({ id, email, previous }) => ({ id, email, previousBrandName: previous })),
  };
}

/** @throws Fault CONFLICT where the brand has an account of its own for one of the addresses, which it has only typed */
async function moveTo(tx: Tx, moved: readonly { id: string }[], brandId: string): Promise<void> {
  const these = rowsOf(
    "n",
    moved.map(({ id }) => ({ id })),
    { id: "text" },
  );
  try {
    await tx.all(sql`update email_accounts set brand_id = ${brandId}, updated_at = ${tx.now}
      where id in (select n.id from ${these})`);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new Fault("CONFLICT", "The brand has another account for one of these addresses: remove that one first");
  }
}

/** In the order in which the engine locks, messages before their mailboxes, so that the two do not wait for each other. */
async function lockMessages(tx: Tx, ids: readonly { id: string }[]): Promise<void> {
  if (dialect === "sqlite") return;
  await tx.all(sql`select count(*) from (select m.id from messages m where m.status = 'PENDING'
    and m.sender_id in (select n.id from ${rowsOf("n", ids, { id: "text" })}) order by m.id ${forUpdate("m")}) held`);
}

function checkAll(wanted: readonly string[], found: readonly string[]): void {
  const known = new Set(found);
  const unknownIds = wanted.filter((id) => !known.has(id));
  if (unknownIds.length === 0) return;
  throw new Fault("NOT_FOUND", `These mailboxes were not found: ${unknownIds.slice(0, 20).join(", ")}`, {
    facts: { unknownIds },
  });
}
