import { eq, inArray, lt, sql } from "drizzle-orm";
import { signInCounters } from "../../db/schema/identity.ts";
import type { Reader, Store, Tx } from "../../db/store.ts";
import { type Clock, type Instant, MINUTE, SECOND } from "../../lib/clock.ts";
import type { Signer } from "../../lib/crypto/secrets.ts";
import { AppError } from "../../lib/errors.ts";
import { isKnownClient, recordClient } from "./known-clients.ts";

/** Allows `burst` attempts at once, then one every `interval` milliseconds (GCRA, ATM Forum TM 4.0). */
interface AttemptLimit {
  kind: number;
  burst: number;
  interval: number;
}

/**
 * Limits by counter, each with a number that is never reused. A device or address that signed in to the account before has
 * counters of its own and does not depend on `account`, which other clients can use up.
 */
const ATTEMPT_LIMITS = {
  address: { kind: 0, burst: 20, interval: 3 * SECOND },
  /** An IPv6 /48, which one customer may have whole: it holds 65,536 addresses as `address` counts them. */
  network: { kind: 1, burst: 40, interval: 1.5 * SECOND },
  /** One address (or /48) at one account, so that no address uses up `account` alone. */
  addressAndAccount: { kind: 2, burst: 5, interval: MINUTE },
  account: { kind: 3, burst: 10, interval: 30 * SECOND },
  knownAddress: { kind: 4, burst: 10, interval: 30 * SECOND },
  device: { kind: 5, burst: 10, interval: 30 * SECOND },
  /** Known devices of one account in one network: many devices get no more hashes than one address. */
  deviceAddress: { kind: 6, burst: 20, interval: 3 * SECOND },
  session: { kind: 7, burst: 10, interval: 30 * SECOND },
} satisfies Record<string, AttemptLimit>;

/** Counters that count successful attempts too, because each costs a hash. */
const COUNTED_ALWAYS = new Set([
  ATTEMPT_LIMITS.address.kind,
  ATTEMPT_LIMITS.network.kind,
  ATTEMPT_LIMITS.deviceAddress.kind,
]);

/** Buckets of each limit: at most 524,288 rows in all, about 20 MB. */
const BUCKETS_PER_LIMIT = 65_536;

interface Counter extends AttemptLimit {
  bucket: number;
  /** An attempt that succeeds is not counted. */
  isRefunded: boolean;
}

/** The origin of an attempt. */
interface SignInAttempt {
  /** Address as `getClientAddress` returns it. */
  address: string;
  email: string;
  /** The device that this account was signed in from before; null for others. */
  deviceId: string | null;
  /** User of the session that asks; null without one. */
  userId: string | null;
}

export interface SignInThrottle {
  /**
   * Runs work that costs a password hash, unless there were too many attempts; then it is not started and nothing is written.
   * @throws AppError RATE_LIMITED with the seconds to wait, and the errors of `work`
   */
  attempt<T>(who: SignInAttempt, work: () => Promise<T>): Promise<T>;
}

/** Returns the network that a client may have whole: the /48 of an IPv6 address; null for IPv4, where it is the address itself. */
export function getNetwork(address: string): string | null {
  const groups = /^([0-9a-f:]+)::\/64$/.exec(address)?.[1]?.split(":");
  return groups === undefined ? null : `${groups.slice(0, 3).join(":")}::/48`;
}

/** Limits password guessing, across replicas and restarts. */
export function signInThrottle({
  store,
  clock,
  signer,
}: {
  store: Store;
  clock: Clock;
  signer: Signer;
}): SignInThrottle {
  const computeTag = (text: string) => signer.sign(`sign-in throttle ${text}`);
  const counter = (limit: AttemptLimit, value: string): Counter => {
    const bucket = Buffer.from(computeTag(`${limit.kind} ${value}`), "base64url").readUInt32BE() % BUCKETS_PER_LIMIT;
    const isRefunded = !COUNTED_ALWAYS.has(limit.kind);
    return { ...limit, bucket: limit.kind * BUCKETS_PER_LIMIT + bucket, isRefunded };
  };

  function listCounters({ address, email, deviceId, userId }: SignInAttempt, isKnown: boolean): Counter[] {
    if (userId !== null) return [counter(ATTEMPT_LIMITS.session, userId)];
    const network = getNetwork(address);
    if (deviceId !== null) {
      return [
        counter(ATTEMPT_LIMITS.device, `${email} ${deviceId}`),
        counter(ATTEMPT_LIMITS.deviceAddress, `${email} ${network ?? address}`),
      ];
    }
    const common = [
      counter(ATTEMPT_LIMITS.address, address),
      ...(network === null ? [] : [counter(ATTEMPT_LIMITS.network, network)]),
    ];
    if (isKnown) return [...common, counter(ATTEMPT_LIMITS.knownAddress, `${email} ${address}`)];
    return [
      ...common,
      counter(ATTEMPT_LIMITS.addressAndAccount, `${email} ${network ?? address}`),
      counter(ATTEMPT_LIMITS.account, email),
    ];
  }

  return {
    async attempt(given, work) {
      const who = { ...given, email: given.email.trim().toLowerCase() };
      const [account, client] = [computeTag(`account ${who.email}`), computeTag(`client ${who.address}`)];
      const isVisitor = who.userId === null && who.deviceId === null;
      const counters = listCounters(who, isVisitor && (await isKnownClient(store.read, clock.now(), account, client)));
      // All transactions lock the rows in one order, so that no deadlock occurs.
      counters.sort((one, other) => one.bucket - other.bucket);
      await assertBelowLimits(store.read, clock.now(), counters);
      await store.write(async (tx) => {
        for (const each of counters) await countAttempt(tx, each);
      });
      const result = await work();
      await store.write(async (tx) => {
        for (const each of counters) if (each.isRefunded) await refundAttempt(tx, each);
        if (who.userId === null) await recordClient(tx, account, client);
      });
      return result;
    },
  };
}

/** Checks before anything is written: a rejected attempt costs one read. */
async function assertBelowLimits(read: Reader, now: Instant, counters: readonly Counter[]): Promise<void> {
  const buckets = counters.map(({ bucket }) => bucket);
  const rows = await read.select().from(signInCounters).where(inArray(signInCounters.bucket, buckets));
  const waits = rows.map(({ bucket, fullAgainAt }) => {
    const limit = counters.find((counter) => counter.bucket === bucket);
    return limit === undefined ? 0 : getWaitMs(limit, fullAgainAt, now);
  });
  const longest = Math.max(0, ...waits);
  if (longest > 0) throw tooManyAttempts(Math.ceil(longest / SECOND));
}

/** Returns how long the next attempt has to wait. A time further ahead than the whole burst comes from a wrong clock and is ignored. */
function getWaitMs({ burst, interval }: AttemptLimit, fullAgainAt: Instant, now: Instant): number {
  return fullAgainAt > now + burst * interval ? 0 : Math.max(0, fullAgainAt - now - (burst - 1) * interval);
}

/** Counts one attempt. @throws AppError RATE_LIMITED when another process has taken the last one */
async function countAttempt(tx: Tx, { bucket, burst, interval }: Counter): Promise<void> {
  const { fullAgainAt } = signInCounters;
  const isOff = sql`(${fullAgainAt} < ${tx.now} or ${fullAgainAt} > ${tx.now + burst * interval})`;
  const next = sql`case when ${isOff} then ${tx.now} else ${fullAgainAt} end + ${interval}`;
  const counted = await tx
    .insert(signInCounters)
    .values({ bucket, fullAgainAt: tx.now + interval })
    .onConflictDoUpdate({
      target: signInCounters.bucket,
      set: { fullAgainAt: next },
      setWhere: sql`${isOff} or ${fullAgainAt} <= ${tx.now + (burst - 1) * interval}`,
    })
    .returning({ bucket: signInCounters.bucket });
  if (counted.length === 0) throw tooManyAttempts(Math.ceil(interval / SECOND));
}

async function refundAttempt(tx: Tx, { bucket, interval }: Counter): Promise<void> {
  const less = sql`${signInCounters.fullAgainAt} - ${interval}`;
  await tx.update(signInCounters).set({ fullAgainAt: less }).where(eq(signInCounters.bucket, bucket));
}

function tooManyAttempts(seconds: number): AppError {
  const unit = seconds === 1 ? "second" : "seconds";
  return new AppError("RATE_LIMITED", `Too many attempts: try again in ${seconds} ${unit}`, {
    retryAfterSeconds: seconds,
  });
}

/** Deletes counters that are back at their full burst, for a periodic job; returns how many there were. */
export async function purgeSignInCounters(tx: Tx): Promise<number> {
  const over = lt(signInCounters.fullAgainAt, tx.now);
  return (await tx.delete(signInCounters).where(over).returning({ bucket: signInCounters.bucket })).length;
}
