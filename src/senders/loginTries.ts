import type { MailLogin } from "../channels/channel.ts";
import { DAY, type Instant, MINUTE } from "../clock.ts";
import type { Store, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { getLimit } from "../limits/overrides.ts";
import { Places } from "../limits/places.ts";
import { countToday, leaseTokens, returnTokens, uncount, untilTomorrow } from "../limits/tokens.ts";

/** How much more may be tried at one mailbox by all brands together than by one brand: so that no brand alone keeps its owner out. */
const BRANDS_AT_ONE_MAILBOX = 2;

/**
 * Logins of one brand that a process tries at the same time; others wait for their turn. Fewer than a minute's failures, so
 * that whoever adds many mailboxes at once, with their right passwords, is never refused.
 */
const AT_ONCE = 3;
const PLACES = new Places({ mostWaiting: 50, noun: "logins at mailboxes" });

/** A login that is about to be tried, and counted as failed until it has succeeded. */
interface LoginTry {
  subjects: { subject: string; perMinute: number }[];
  at: Instant;
}

/**
 * Tries a login, which counts against the limits of the brand and of the mailbox until it has succeeded. Counted before any
 * connection is made, in the database: for all processes, and across restarts.
 * @throws AppError RATE_LIMITED, and nothing is tried or counted, after too many failures; and whatever `work` throws
 */
export async function tryCounted<Result>(
  store: Store,
  brandId: string | null,
  login: MailLogin,
  work: () => Promise<{ succeeded: boolean; result: Result }>,
): Promise<Result> {
  const giveBack = await PLACES.take(brandId ?? "none", AT_ONCE);
  try {
    const counted = await store.write((tx) => countTry(tx, brandId, login));
    const { succeeded, result } = await work();
    if (succeeded) await store.write((tx) => refundTry(tx, counted));
    return result;
  } finally {
    giveBack();
  }
}

async function countTry(tx: Tx, brandId: string | null, login: MailLogin): Promise<LoginTry> {
  const ofBrand = await getLimit(tx, brandId, "mailboxLoginsPerMinute");
  const perDay = await getLimit(tx, brandId, "mailboxLoginsPerDay");
  const all = BRANDS_AT_ONE_MAILBOX;
  const subjects = [
    { subject: `brand ${brandId ?? "none"}`, perMinute: ofBrand, perDay },
    { subject: mailboxOf(login), perMinute: all * ofBrand, perDay: all * perDay },
  ];
  for (const each of subjects) await count(tx, each.subject, each.perMinute, each.perDay);
  return { subjects, at: tx.now };
}

async function refundTry(tx: Tx, { subjects, at }: LoginTry): Promise<void> {
  for (const { subject, perMinute } of subjects) {
    await returnTokens(tx, subject, "mailboxLoginsPerMinute", { quota: perMinute, windowMs: MINUTE }, 1);
    await uncount(tx, subject, "mailboxLoginsPerDay", at);
  }
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
