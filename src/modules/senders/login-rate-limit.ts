import type { MailLogin } from "../../channels/channel.ts";
import type { Store, Tx } from "../../db/store.ts";
import { DAY, type Instant, MINUTE } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { getLimit } from "../limits/overrides.ts";
import { ConcurrencyLimiter } from "../limits/places.ts";
import { countToday, leaseTokens, msUntilTomorrow, returnTokens, uncountToday } from "../limits/tokens.ts";

/** Limit for one mailbox over all brands, as a multiple of one brand's limit, so that no brand alone locks its owner out. */
const MAILBOX_LIMIT_FACTOR = 2;

/**
 * Concurrent logins of one brand in a process; further ones wait. Fewer than the failures allowed in a minute, so that
 * adding many mailboxes at once with the right passwords is never refused.
 */
const MAX_CONCURRENT_LOGINS = 3;
const loginSlots = new ConcurrencyLimiter({ mostWaiting: 50, noun: "logins at mailboxes" });

/** A login that counts as failed until it has succeeded. */
interface LoginAttempt {
  subjects: { subject: string; perMinute: number }[];
  at: Instant;
}

/**
 * Runs a login that counts against the limits of the brand and of the mailbox until it has succeeded. It is counted before
 * any connection is made, in the database: for all processes, and across restarts.
 * @throws AppError RATE_LIMITED after too many failures, before `work` runs or anything is counted; and what `work` throws
 */
export async function runRateLimitedLogin<Result>(
  store: Store,
  brandId: string | null,
  login: MailLogin,
  work: () => Promise<{ succeeded: boolean; result: Result }>,
): Promise<Result> {
  const releaseSlot = await loginSlots.take(brandId ?? "none", MAX_CONCURRENT_LOGINS);
  try {
    const counted = await store.write((tx) => countAttempt(tx, brandId, login));
    const { succeeded, result } = await work();
    if (succeeded) await store.write((tx) => refundAttempt(tx, counted));
    return result;
  } finally {
    releaseSlot();
  }
}

async function countAttempt(tx: Tx, brandId: string | null, login: MailLogin): Promise<LoginAttempt> {
  const perMinute = await getLimit(tx, brandId, "mailboxLoginsPerMinute");
  const perDay = await getLimit(tx, brandId, "mailboxLoginsPerDay");

  const subjects = [
    { subject: `brand ${brandId ?? "none"}`, perMinute, perDay },
    {
      subject: hashMailbox(login),
      perMinute: MAILBOX_LIMIT_FACTOR * perMinute,
      perDay: MAILBOX_LIMIT_FACTOR * perDay,
    },
  ];
  for (const each of subjects) await count(tx, each.subject, each.perMinute, each.perDay);
  return { subjects, at: tx.now };
}

async function refundAttempt(tx: Tx, { subjects, at }: LoginAttempt): Promise<void> {
  for (const { subject, perMinute } of subjects) {
    await returnTokens(tx, subject, "mailboxLoginsPerMinute", { quota: perMinute, windowMs: MINUTE }, 1);
    await uncountToday(tx, subject, "mailboxLoginsPerDay", at);
  }
}

async function count(tx: Tx, subject: string, perMinute: number, perDay: number): Promise<void> {
  const rate = { quota: perMinute, windowMs: MINUTE };
  const { granted, waitMs } = await leaseTokens(tx, subject, "mailboxLoginsPerMinute", rate, 1);
  if (!granted) throw rateLimited("mailboxLoginsPerMinute", perMinute, MINUTE, waitMs);
  if (await countToday(tx, subject, "mailboxLoginsPerDay", perDay)) return;
  throw rateLimited("mailboxLoginsPerDay", perDay, DAY, msUntilTomorrow(tx.now));
}

function rateLimited(name: string, limit: number, windowMs: number, waitMs: number): AppError {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `Too many failed mailbox logins: the limit ${name} is ${limit} in ${windowMs / 1000} seconds; try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return new AppError("RATE_LIMITED", message, {
    retryAfterSeconds: seconds,
    meta: { limit: { name, value: limit } },
  });
}

/** Hashes a mailbox's name, so that the database does not record which mailboxes were tried. */
function hashMailbox(login: MailLogin): string {
  const name = "grant" in login ? `google ${login.mailbox}` : `${login.host} ${login.username ?? ""}`;
  return `mailbox ${new Bun.CryptoHasher("sha256").update(name.toLowerCase()).digest("base64url")}`;
}
