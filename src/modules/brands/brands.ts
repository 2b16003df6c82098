import { and, asc, eq, gt, isNull } from "drizzle-orm";
import { isUniqueViolation } from "../../db/errors.ts";
import { brands } from "../../db/schema/brands.ts";
import { users } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { isZone } from "../../lib/calendar/zones.ts";
import { iso } from "../../lib/clock.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import { updateBrandCount } from "./directory.ts";
import type { Brand, BrandUpdate, NewBrand } from "./model.ts";
import { assertVerified } from "./owners.ts";

type Row = typeof brands.$inferSelect;

export function toBrand(row: Row): Brand {
  const { id, name, ownerId, timezone, postalAddress } = row;
  return { id, name, ownerId, timezone, postalAddress, createdAt: iso(row.createdAt), updatedAt: iso(row.updatedAt) };
}

/** @throws AppError NOT_FOUND when there is no such brand */
export async function getBrand(read: Reader, id: string): Promise<Row> {
  const [row] = await read.select().from(brands).where(eq(brands.id, id));
  if (!row) throw notFound("brand", id);
  return row;
}

/** Lists brands in the order of their creation, after the one with id `after`; only those of `ownerId` when it is given. */
export async function listBrands(
  read: Reader,
  options: { ownerId?: string; after: string | null; limit: number },
): Promise<Row[]> {
  return read
    .select()
    .from(brands)
    .where(
      and(
        options.ownerId ? eq(brands.ownerId, options.ownerId) : undefined,
        options.after ? gt(brands.id, options.after) : undefined,
      ),
    )
    .orderBy(asc(brands.id))
    .limit(options.limit);
}

/**
 * Creates a brand.
 * @throws AppError INVALID for an unknown owner, CONFLICT for one who owns a brand already or has not verified the e-mail address
 */
export async function createBrand(tx: Tx, given: NewBrand, ownerId: string | null): Promise<Row> {
  if (ownerId !== null) await assertOwner(tx, ownerId);
  const row: typeof brands.$inferInsert = {
    id: tx.newId(),
    name: given.name.trim(),
    ownerId,
    timezone: assertZone(given.timezone ?? "UTC"),
    postalAddress: given.postalAddress?.trim() || null,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  const [created] = await mapOwnerConflict(tx.insert(brands).values(row).returning());
  await updateBrandCount(tx, row.createdAt, 1);
  return created ?? getBrand(tx, row.id);
}

/** Updates the fields that are given. @throws AppError as `createBrand`, NOT_FOUND */
export async function updateBrand(tx: Tx, id: string, change: BrandUpdate): Promise<Row> {
  if (change.ownerId) await assertOwner(tx, change.ownerId);
  const [row] = await mapOwnerConflict(
    tx
      .update(brands)
      .set({
        ...(change.name === undefined ? {} : { name: change.name.trim() }),
        ...(change.timezone === undefined ? {} : { timezone: assertZone(change.timezone) }),
        ...(change.postalAddress === undefined ? {} : { postalAddress: change.postalAddress?.trim() || null }),
        ...(change.ownerId === undefined ? {} : { ownerId: change.ownerId }),
        updatedAt: tx.now,
      })
      .where(eq(brands.id, id))
      .returning(),
  );
  if (!row) throw notFound("brand", id);
  return row;
}

/** Sets the owner of a brand without one. @throws AppError CONFLICT when it has an owner, or the user owns another brand */
export async function assignBrandOwner(tx: Tx, id: string, ownerId: string): Promise<Row> {
  await assertOwner(tx, ownerId);
  const [row] = await mapOwnerConflict(
    tx
      .update(brands)
      .set({ ownerId, updatedAt: tx.now })
      .where(and(eq(brands.id, id), isNull(brands.ownerId)))
      .returning(),
  );
  if (row) return row;
  await getBrand(tx, id);
  throw new AppError("CONFLICT", "This brand already has an owner");
}

async function assertOwner(tx: Tx, ownerId: string): Promise<void> {
  const [owner] = await tx.select({ emailVerified: users.emailVerified }).from(users).where(eq(users.id, ownerId));
  if (!owner) throw invalid("ownerId", "no such user");
  // Otherwise admins could give credits and mailboxes to a brand under an address that its owner does not have.
  assertVerified(owner);
}

async function mapOwnerConflict<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError("CONFLICT", "This user already owns a brand");
    throw error;
  }
}

/** Returns the IANA zone unchanged. @throws AppError INVALID when `isZone` refuses it */
export function assertZone(zone: string): string {
  if (isZone(zone)) return zone;
  throw invalid("timezone", `expected an IANA time zone such as America/New_York, got ${JSON.stringify(zone)}`);
}
