import { and, asc, eq, gt, isNull } from "drizzle-orm";
import { isZone } from "../calendar/zones.ts";
import { iso } from "../clock.ts";
import { brands } from "../db/schema/brands.ts";
import { users } from "../db/schema/identity.ts";
import type { Reader, Tx } from "../db/store.ts";
import { isUniqueViolation } from "../db/violations.ts";
import { Fault, invalid, notFound } from "../fault.ts";
import { countBrand } from "./directory.ts";
import type { Brand, BrandChange, NewBrand } from "./model.ts";
import { expectVerified } from "./owners.ts";

type Row = typeof brands.$inferSelect;

export function toBrand(row: Row): Brand {
  const { id, name, ownerId, timezone, postalAddress } = row;
  return { id, name, ownerId, timezone, postalAddress, createdAt: iso(row.createdAt), updatedAt: iso(row.updatedAt) };
}

/** The brand with this id; NOT_FOUND if there is none. */
export async function getBrand(read: Reader, id: string): Promise<Row> {
  const [row] = await read.select().from(brands).where(eq(brands.id, id));
  if (!row) throw notFound("brand", id);
  return row;
}

/** Brands in the order they were created, after the one with id `after`; only those of `ownerId` when given. */
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
 * Opens a brand. CONFLICT when its owner has one already (a user owns one brand at most), or has not proved their address.
 */
export async function createBrand(tx: Tx, given: NewBrand, ownerId: string | null): Promise<Row> {
  if (ownerId !== null) await checkOwner(tx, ownerId);
  const row: typeof brands.$inferInsert = {
    id: tx.newId(),
    name: given.name.trim(),
    ownerId,
    timezone: checkZone(given.timezone ?? "UTC"),
    postalAddress: given.postalAddress?.trim() || null,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  const [created] = await orOwnsOne(tx.insert(brands).values(row).returning());
  await countBrand(tx, row.createdAt, 1);
  return created ?? getBrand(tx, row.id);
}

/** Changes what is named and leaves the rest. */
export async function changeBrand(tx: Tx, id: string, change: BrandChange): Promise<Row> {
  if (change.ownerId) await checkOwner(tx, change.ownerId);
  const [row] = await orOwnsOne(
    tx
      .update(brands)
      .set({
        ...(change.name === undefined ? {} : { name: change.name.trim() }),
        ...(change.timezone === undefined ? {} : { timezone: checkZone(change.timezone) }),
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

/** Gives a brand that has no owner to a user. CONFLICT when it has one by now, or the user owns another. */
export async function giveBrand(tx: Tx, id: string, ownerId: string): Promise<Row> {
  await checkOwner(tx, ownerId);
  const [row] = await orOwnsOne(
    tx
      .update(brands)
      .set({ ownerId, updatedAt: tx.now })
      .where(and(eq(brands.id, id), isNull(brands.ownerId)))
      .returning(),
  );
  if (row) return row;
  await getBrand(tx, id);
  throw new Fault("CONFLICT", "This brand has an owner already");
}

async function checkOwner(tx: Tx, ownerId: string): Promise<void> {
  const [owner] = await tx.select({ emailVerified: users.emailVerified }).from(users).where(eq(users.id, ownerId));
  if (!owner) throw invalid("ownerId", "there is no such user");
  // Else admins would find a brand, and give it credits and mailboxes, under an address that a stranger typed.
  expectVerified(owner);
}

async function orOwnsOne<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (isUniqueViolation(error)) throw new Fault("CONFLICT", "This user owns a brand already");
    throw error;
  }
}

/** The IANA zone as given; INVALID when `isZone` refuses it. */
export function checkZone(zone: string): string {
  if (isZone(zone)) return zone;
  throw invalid("timezone", `expected an IANA time zone such as America/New_York, got ${JSON.stringify(zone)}`);
}
