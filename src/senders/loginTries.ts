import type { MailLogin } from "../channels/channel.ts";
import { DAY, type Instant, MINUTE } from "../clock.ts";
import type { Store, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { getLimit } from "../limits/overrides.ts";
import { countToday, leaseTokens, returnTokens, uncount, untilTomorrow } from "../limits/tokens.ts";

/** How much more may be tried at one mailbox by all brands together than by one brand: so that no brand alone keeps its owner out. */
const BRANDS_AT_ONE_MAILBOX = 2;

/** A login that is about to be tried, and counted as failed until it has succeeded. */
export interface LoginTry {
  subjects: { subject: string; perMinute: number }[];
  at: Instant;
}

/**
 * Counts a try at a mailbox's login, by brand and by mailbox, before any connection is made. In the database, for all
 * processes and across restarts.
 * @throws AppError RATE_LIMITED, and nothing is counted, when there were too many
 */
export function countLoginTry(store: Store, brandId: string | null, login: MailLogin): Promise<LoginTry> {
  return store.write(async (tx) => {
    const [perMinute, perDay] = [
      await getLimit(tx, brandId, "mailboxLoginsPerMinute"),
      await getLimit(tx, brandId, "mailboxLoginsPerDay"),
    ];
    const all = BRANDS_AT_ONE_MAILBOX;
    const subjects = [
      { subject: `brand ${brandId ?? "none"}`, perMinute },
      { subject: mailboxOf(login), perMinute: all * perMinute },
    ];
    for (const [index, { subject, perMinute }] of subjects.entries()) {
      await count(tx, subject, perMinute, index === 0 ? perDay : all * perDay);
    }
    return { subjects, at: tx.now };
  });
}

/** Takes back what was counted for a login that succeeded. */
export async function refundLoginTry(store: Store, { subjects, at }: LoginTry): Promise<void> {
  await store.write(async (tx) => {
    for (const { subject, perMinute } of subjects) {
      await returnTokens(tx, subject, "mailboxLoginsPerMinute", { quota: perMinute, windowMs: MINUTE }, 1);
      await uncount(tx, subject, "mailboxLoginsPerDay", at);
    }
  });
}

async function count(tx: Tx, subject: string, perMinute: number, perDay: number): Promise<void> {
  const rate = { quota: perMinute, windowMs: MINUTE };
  const { granted, waitMs } = await leaseTokens(tx, subject, "mailboxLoginsPerMinute", rate, 1);
  if (!granted) throw tooMany("mailboxLoginsPerMinute", perMinute, MINUTE, waitMs);
  if (await countToday(tx, subject, "mailboxLoginsPerDay", perDay)) return;
  throw tooMany("mailboxLoginsPerDay", perDay, DAY, untilTomorrow(tx.now));
}

function tooMany(name: string, limit: number, windowMs: number, waitMs: number): Fault {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `Too many failed logins at mailboxes: the limit ${name} is ${limit} in ${windowMs / 1000} seconds; try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return new Fault("RATE_LIMITED", message, {
    retryAfterSeconds: seconds,
    facts: { limit: { name, value: limit } },
  });
}

/** Names a mailbox by a hash: whom somebody tried to be is nobody's to read. */
function mailboxOf(login: MailLogin): string {
  const name = "grant" in login ? `google ${login.mailbox}` : `${login.host} ${login.username ?? ""}`;
  return `mailbox ${new Bun.CryptoHasher("sha256").update(name.toLowerCase()).digest("base64url")}`;
}
