import { createHash, randomBytes } from "node:crypto";
import { and, desc, eq, gt, isNull, lt, not, sql } from "drizzle-orm";
import { invitations, users } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, type Instant, iso, isoOrNull } from "../../lib/clock.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import { assignBrandOwner, createBrand, getBrand } from "../brands/brands.ts";
import { addVerifiedUser } from "../identity/accounts.ts";
import { parseEmail, type UserRow } from "../identity/users.ts";
import type { Invitation, NewInvitation } from "./model.ts";

export type InvitationRow = typeof invitations.$inferSelect;

const INVITATION_DAYS = 7;
const TOKEN_BYTES = 32;
/** Time an expired invitation stays in the list. */
const EXPIRED_INVITATION_TTL_MS = 30 * DAY;

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

export function toInvitation({ tokenHash: _, ...row }: InvitationRow, now: Instant): Invitation {
  const status = row.acceptedAt !== null ? "ACCEPTED" : row.expiresAt > now ? "OPEN" : "EXPIRED";
  const { expiresAt, acceptedAt, createdAt } = row;
  return { ...row, status, expiresAt: iso(expiresAt), acceptedAt: isoOrNull(acceptedAt), createdAt: iso(createdAt) };
}

/**
 * Creates an invitation to an address, which counts as verified once it is accepted. Only the hash of the token is stored. An
 * open invitation to the same address is deleted.
 * @throws AppError CONFLICT when a verified user has the address or the brand has an owner, INVALID for two brands
 */
export async function createInvitation(
  tx: Tx,
  createdBy: string,
  given: NewInvitation,
): Promise<{ row: InvitationRow; token: string }> {
  const { name, role = "user", brandId, brandName, expiresInDays = INVITATION_DAYS } = given;
  const email = parseEmail(given.email);
  if (brandId !== undefined && brandName !== undefined)
    throw invalid("brandName", "expected brandId or brandName, not both");
  const taken = and(eq(users.email, email), users.emailVerified);
  const [known] = await tx.select({ id: users.id }).from(users).where(taken);
  if (known) throw new AppError("CONFLICT", "There is a user with this e-mail address already");
  if (brandId !== undefined && (await getBrand(tx, brandId)).ownerId !== null)
    throw new AppError("CONFLICT", "This brand has an owner already");
  await tx.delete(invitations).where(and(eq(invitations.email, email), isNull(invitations.acceptedAt)));
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const row: InvitationRow = {
    id: tx.newId(),
    email,
    name: name?.trim() ?? null,
    role,
    brandId: brandId ?? null,
    brandName: brandName?.trim() ?? null,
    tokenHash: digest(token),
    createdBy,
    expiresAt: tx.now + expiresInDays * DAY,
    acceptedAt: null,
    userId: null,
    createdAt: tx.now,
  };
  const made = await tx.insert(invitations).values(row).onConflictDoNothing().returning({ id: invitations.id });
  if (made.length === 0)
    throw new AppError("CONFLICT", "Another invitation to this address is being created: try again");
  return { row, token };
}

/** Lists invitations, the newest first, before the one with id `before`. */
export async function listInvitations(
  read: Reader,
  { before, limit }: { before: string | null; limit: number },
): Promise<InvitationRow[]> {
  return read
    .select()
    .from(invitations)
    .where(before === null ? undefined : lt(invitations.id, before))
    .orderBy(desc(invitations.id))
    .limit(limit);
}

/** Revokes an open invitation. @throws AppError NOT_FOUND */
export async function revokeInvitation(tx: Tx, id: string): Promise<void> {
  const open = and(eq(invitations.id, id), isNull(invitations.acceptedAt));
  const gone = await tx.delete(invitations).where(open).returning({ id: invitations.id });
  if (gone.length === 0) throw notFound("open invitation", id);
}

/**
 * Returns the open invitation of a token. One whose creator is no longer an admin is invalid: a removed admin must not leave a
 * way back in.
 * @throws AppError FORBIDDEN
 */
export async function findInvitation(read: Reader, token: string, now: Instant): Promise<InvitationRow> {
  const [found] = await read
    .select({ invitation: invitations })
    .from(invitations)
    .innerJoin(users, eq(users.id, invitations.createdBy))
    .where(
      and(
        eq(invitations.tokenHash, digest(token)),
        isNull(invitations.acceptedAt),
        gt(invitations.expiresAt, now),
        eq(users.role, "admin"),
        not(sql`coalesce(${users.banned}, false)`),
      ),
    );
  if (!found) throw new AppError("FORBIDDEN", "This invitation is not valid any more: ask for another one");
  return found.invitation;
}

/**
 * Adds the user of an invitation, with the brand it names. Works once. An unverified account with the address is deleted.
 * @throws AppError FORBIDDEN for an invalid token, CONFLICT when the address or the brand was taken meanwhile
 */
export async function acceptInvitation(
  tx: Tx,
  given: { token: string; name: string | undefined },
  hash: string,
): Promise<UserRow> {
  const { id, email, role, brandId, brandName, ...row } = await findInvitation(tx, given.token, tx.now);
  const name = given.name ?? row.name;
  if (name === null) throw invalid("name", "expected your name");
  const open = and(eq(invitations.id, id), isNull(invitations.acceptedAt));
  const [used] = await tx.update(invitations).set({ acceptedAt: tx.now }).where(open).returning({ id: invitations.id });
  if (!used) throw new AppError("FORBIDDEN", "This invitation was just accepted");
  const user = await addVerifiedUser(tx, { email, name, role }, hash);
  const owned = await assignBrand(tx, user.id, { brandId, brandName });
  await tx.update(invitations).set({ userId: user.id, brandId: owned }).where(eq(invitations.id, id));
  return user;
}

async function assignBrand(
  tx: Tx,
  userId: string,
  { brandId, brandName }: Pick<InvitationRow, "brandId" | "brandName">,
): Promise<string | null> {
  if (brandId !== null) return (await assignBrandOwner(tx, brandId, userId)).id;
  return brandName === null ? null : (await createBrand(tx, { name: brandName }, userId)).id;
}

/** Deletes invitations that expired a month ago, for a daily job; returns how many. */
export async function deleteOldInvitations(tx: Tx): Promise<number> {
  const old = and(isNull(invitations.acceptedAt), lt(invitations.expiresAt, tx.now - EXPIRED_INVITATION_TTL_MS));
  return (await tx.delete(invitations).where(old).returning({ id: invitations.id })).length;
}
