import { sql } from "drizzle-orm";
import { dialect } from "../../db/dialect.ts";
import { isUniqueViolation } from "../../db/errors.ts";
import { forceCustomPlans, forUpdate, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { addUsage } from "../limits/usage.ts";
import { reassignAfterMove } from "../messages/reassign.ts";

/** A mailbox that another brand has now. */
interface ReassignedMailbox {
  id: string;
  email: string;
  /** The brand it belonged to before; null when it had none. */
  previousBrandName: string | null;
}

interface AssignmentResult {
  brandName: string;
  /** The mailboxes that were not the brand's before. */
  reassigned: ReassignedMailbox[];
}

/**
 * Assigns mailboxes to a brand. Pending messages of the old brands get another mailbox of their own brand, or wait for one;
 * messages being sent are finished. Campaigns keep their list of mailboxes: those of another brand are skipped, and are used
 * again after they are assigned back.
 * @throws AppError NOT_FOUND for a missing brand, or with the unknown mailbox ids; nothing is assigned then
 */
export async function assignMailboxes(tx: Tx, given: readonly string[], brandId: string): Promise<AssignmentResult> {
  await forceCustomPlans(tx);
  const [brand] = await tx.all<{ name: string }>(
    sql`select b.name from brands b where b.id = ${brandId} ${forUpdate("b")}`,
  );
  if (!brand) throw notFound("brand", brandId);
  const ids = [...new Set(given)].sort().map((id) => ({ id }));
  const these = sql`(select n.id from ${valuesTable("n", ids, { id: "text" })})`;
  await lockPendingMessages(tx, ids);
  const found = await tx.all<{ id: string; email: string; brand_id: string | null; previous: string | null }>(sql`
    select e.id, e.email, e.brand_id, b.name as previous from email_accounts e left join brands b on b.id = e.brand_id
    where e.id in ${these} order by e.id ${forUpdate("e")}`);
  assertAllFound(
    ids.map(({ id }) => id),
    found.map(({ id }) => id),
  );
  const moved = found.filter((row) => row.brand_id !== brandId);
  if (moved.length > 0) {
    await setBrand(tx, moved, brandId);
    // An assignment counts against the brand's limit and is never refused: admins set the limits too.
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
    reassigned: moved.map(({ id, email, previous }) => ({ id, email, previousBrandName: previous })),
  };
}

/** @throws AppError CONFLICT when the brand has an unproved account for one of the addresses */
async function setBrand(tx: Tx, moved: readonly { id: string }[], brandId: string): Promise<void> {
  const these = valuesTable(
    "n",
    moved.map(({ id }) => ({ id })),
    { id: "text" },
  );
  try {
    await tx.all(sql`update email_accounts set brand_id = ${brandId}, updated_at = ${tx.now}
      where id in (select n.id from ${these})`);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError(
      "CONFLICT",
      "The brand already has an account for one of these addresses: delete that account first",
    );
  }
}

/** Locks messages before their mailboxes, in the order of the delivery engine, so that the two cannot deadlock. */
async function lockPendingMessages(tx: Tx, ids: readonly { id: string }[]): Promise<void> {
  if (dialect === "sqlite") return;
  await tx.all(sql`select count(*) from (select m.id from messages m where m.status = 'PENDING'
    and m.sender_id in (select n.id from ${valuesTable("n", ids, { id: "text" })}) order by m.id ${forUpdate("m")}) held`);
}

function assertAllFound(wanted: readonly string[], found: readonly string[]): void {
  const known = new Set(found);
  const unknownIds = wanted.filter((id) => !known.has(id));
  if (unknownIds.length === 0) return;
  throw new AppError("NOT_FOUND", `These mailboxes were not found: ${unknownIds.slice(0, 20).join(", ")}`, {
    meta: { unknownIds },
  });
}
