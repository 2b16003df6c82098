import { and, asc, eq, gt, isNull } from "drizzle-orm";
import type { MailLogin } from "../../channels/channel.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, SYSTEM, type TenantScope, tenantScope } from "../../db/tenant-scope.ts";
import { type Instant, iso, isoOrNull } from "../../lib/clock.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { assertZone, getBrand } from "../brands/brands.ts";
import { releaseUsage, reserveQuota } from "../limits/usage.ts";
import { releaseWaitingMessages } from "../messages/reassign.ts";
import { deleteFromCampaigns } from "./campaign-senders.ts";
import { getWorkspaceDomain } from "./gmail.ts";
import { encryptLogin } from "./login.ts";
import type { LoginTest } from "./login-test.ts";
import {
  assertAddressFree,
  assertAddressUnclaimed,
  buildProofUpdate,
  disableUnprovedMailboxes,
  mapAddressConflict,
} from "./mailbox-ownership.ts";
import type { EmailAccount, EmailAccountUpdate, NewEmailAccount } from "./model.ts";
import { assertNoPendingMessages } from "./pending-messages.ts";
import { applyWarmupAction, getWarmup } from "./warmup.ts";

export type EmailAccountRow = typeof emailAccounts.$inferSelect;

export function toEmailAccount(row: EmailAccountRow, now: Instant): EmailAccount {
  const { secret, pausedUntil, lastUsedAt, createdAt, updatedAt, ...rest } = row;
  const { warmupStartedAt, warmupPausedAt, failures, privateHost, provedAt, ...shown } = rest;
  const { status, cap } = getWarmup(row, now);
  return {
    ...shown,
    hasPassword: secret !== null,
    isProved: provedAt !== null,
    isWorkspaceAccount: row.workspaceDomain !== null,
    warmupStatus: status,
    todaysLimit: cap,
    pausedUntil: isoOrNull(pausedUntil),
    lastUsedAt: isoOrNull(lastUsedAt),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** @throws AppError NOT_FOUND when there is no such mailbox in scope */
export async function getEmailAccount(read: Reader, id: string, scope: TenantScope): Promise<EmailAccountRow> {
  const [row] = await read.select().from(emailAccounts).where(isInScope(id, scope));
  if (!row) throw notFound("email account", id);
  return row;
}

const isInScope = (id: string, scope: TenantScope) =>
  and(eq(emailAccounts.id, id), inScope(scope, emailAccounts.brandId));

/** Lists mailboxes in scope in the order of their creation, after the one with id `after`. */
export async function listEmailAccounts(
  read: Reader,
  options: { scope: TenantScope; after: string | null; limit: number },
): Promise<EmailAccountRow[]> {
  return read
    .select()
    .from(emailAccounts)
    .where(
      and(
        inScope(options.scope, emailAccounts.brandId),
        options.after === null ? undefined : gt(emailAccounts.id, options.after),
      ),
    )
    .orderBy(asc(emailAccounts.id))
    .limit(options.limit);
}

/** A login and the result of logging in with it. */
interface TestedLogin {
  login: MailLogin;
  connection: LoginTest;
}

/**
 * Creates a mailbox whose login has been tested. A login that proved ownership disables the unproved accounts that other
 * brands have for the address.
 * @throws AppError CONFLICT when another brand has proved the address, or the brand has an account for it
 */
export async function createEmailAccount(
  tx: Tx,
  vault: Vault,
  brandId: string,
  given: NewEmailAccount,
  { login, connection }: TestedLogin,
): Promise<EmailAccountRow> {
  const brand = await getBrand(tx, brandId);
  const email = await assertAddressFree(tx, given.email, brandId);
  const id = tx.newId();
  await reserveQuota(tx, brandId, "mailboxes");
  await mapAddressConflict(
    tx.insert(emailAccounts).values({
      id,
      brandId,
      email,
      displayName: given.displayName?.trim() || null,
      provider: "grant" in login ? "GMAIL" : "SMTP",
      ...encryptLogin(vault, id, login),
      workspaceDomain: "grant" in login ? getWorkspaceDomain(email, login.grant.type) : null,
      connectionStatus: connection.status,
      connectionError: connection.error,
      provedAt: connection.provesOwnership ? tx.now : null,
      dailyLimit: given.dailyLimit ?? 50,
      timezone: assertZone(given.timezone ?? brand.timezone),
      createdAt: tx.now,
      updatedAt: tx.now,
    }),
  );
  const row = await getEmailAccount(tx, id, tenantScope(SYSTEM, brandId));
  if (connection.provesOwnership) await disableUnprovedMailboxes(tx, row);
  return row;
}

/**
 * Updates the fields that are given. `seen` is the row that `tried` was made from.
 * @throws AppError CONFLICT when the row has changed since, because then another login was tested than would be stored
 */
export async function updateEmailAccount(
  tx: Tx,
  vault: Vault,
  seen: EmailAccountRow,
  change: EmailAccountUpdate,
  tried: TestedLogin | null,
): Promise<EmailAccountRow> {
  const { displayName, dailyLimit, timezone, isActive, warmup } = change;
  const needsSameRow = tried !== null || warmup !== undefined;
  const proves = tried?.connection.provesOwnership === true;
  if (proves) await assertAddressUnclaimed(tx, seen);
  const [row] = await mapAddressConflict(
    tx
      .update(emailAccounts)
      .set({
        ...(displayName === undefined ? {} : { displayName: displayName?.trim() || null }),
        ...(dailyLimit === undefined ? {} : { dailyLimit }),
        ...(timezone === undefined ? {} : { timezone: assertZone(timezone) }),
        ...(isActive === undefined ? {} : { isActive }),
        ...(warmup === undefined ? {} : applyWarmupAction(seen, warmup, tx.now)),
        ...(tried === null
          ? {}
          : {
              ...encryptLogin(vault, seen.id, tried.login),
              ...("grant" in tried.login
                ? { workspaceDomain: getWorkspaceDomain(seen.email, tried.login.grant.type) }
                : {}),
              // A pause that the previous server asked for does not apply to the new one.
              pausedUntil: null,
              pausedReason: null,
              connectionStatus: tried.connection.status,
              connectionError: tried.connection.error,
              ...buildProofUpdate(tried.connection, seen, tx.now),
            }),
        updatedAt: tx.now,
      })
      .where(and(eq(emailAccounts.id, seen.id), needsSameRow ? isUnchanged(seen) : hasSameBrand(seen)))
      .returning(),
  );
  if (row) {
    if (proves) await disableUnprovedMailboxes(tx, row);
    if (isActive === true || tried?.connection.status === "CONNECTED") await releaseWaitingMessages(tx, seen.id);
    return row;
  }
  await getEmailAccount(tx, seen.id, tenantScope(SYSTEM));
  throw new AppError("CONFLICT", "The account was changed in the meantime: try again");
}

/** Matches a mailbox that has not been assigned to another brand since it was read. */
const hasSameBrand = ({ brandId }: EmailAccountRow) =>
  brandId === null ? isNull(emailAccounts.brandId) : eq(emailAccounts.brandId, brandId);

const isUnchanged = (seen: EmailAccountRow) => and(hasSameBrand(seen), eq(emailAccounts.updatedAt, seen.updatedAt));

const RESET_PAUSE = { pausedUntil: null, pausedReason: null, failures: 0 };

/** Stores the result of testing the stored login, unless the account was changed while the test ran. */
export async function saveLoginTest(tx: Tx, seen: EmailAccountRow, connection: LoginTest): Promise<EmailAccountRow> {
  const works = connection.status === "CONNECTED";
  const { status: connectionStatus, error: connectionError, provesOwnership } = connection;
  if (works) await assertAddressUnclaimed(tx, seen);
  const ownership = provesOwnership ? buildProofUpdate(connection, seen, tx.now) : {};
  const [row] = await mapAddressConflict(
    tx
      .update(emailAccounts)
      .set({ connectionStatus, connectionError, ...ownership, ...(works ? RESET_PAUSE : {}) })
      .where(and(eq(emailAccounts.id, seen.id), isUnchanged(seen)))
      .returning(),
  );
  if (row && provesOwnership) await disableUnprovedMailboxes(tx, row);
  if (works) await releaseWaitingMessages(tx, seen.id);
  return getEmailAccount(tx, seen.id, tenantScope(SYSTEM));
}

/** Deletes a mailbox. @throws AppError CONFLICT while messages are pending: they must be sent or cancelled first */
export async function deleteEmailAccount(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  await getEmailAccount(tx, id, scope);
  await assertNoPendingMessages(tx, id);
  await deleteFromCampaigns(tx, id);
  const [deleted] = await tx.delete(emailAccounts).where(eq(emailAccounts.id, id)).returning();
  if (deleted?.brandId) await releaseUsage(tx, deleted.brandId, "mailboxes", 1);
}
