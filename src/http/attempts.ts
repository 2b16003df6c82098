import { type Clock, SECOND } from "../clock.ts";
import { forgetOldest, rateLimit } from "./rateLimit.ts";

const REMEMBERED = 20_000;

/**
 * Does what costs a password hash, unless the address or the account has tried too often: then it is not begun.
 * @throws Fault RATE_LIMITED, and whatever `work` throws.
 */
export type Attempt = <T>(address: string, email: string, work: () => Promise<T>) => Promise<T>;

/**
 * Twenty attempts at once for an address, then one in three seconds; ten for an account, then one in thirty seconds. What
 * succeeds does not count against the account. An address that has signed in to an account before has a count of its own
 * there, so strangers who guess at the account do not keep its owner out.
 */
export function attempts(clock: Clock): Attempt {
  const byAddress = rateLimit({ burst: 20, interval: 3 * SECOND, clock });
  const byAccount = rateLimit({ burst: 10, interval: 30 * SECOND, clock });
  const familiar = new Set<string>();

  return async (address, given, work) => {
    const email = given.toLowerCase();
    const pair = `${address} ${email}`;
    const key = familiar.has(pair) ? pair : email;
    byAddress.count(address);
    byAccount.count(key);
    const result = await work();
    byAccount.refund(key);
    familiar.delete(pair);
    familiar.add(pair);
    forgetOldest(familiar, REMEMBERED);
    return result;
  };
}
