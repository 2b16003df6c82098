import type { Clock } from "../clock.ts";
import type { Store } from "../db/store.ts";
import { Fault } from "../fault.ts";
import type { Rate, Taken } from "./bucket.ts";
import { FairShare } from "./fairShare.ts";
import { LimitCache } from "./limitCache.ts";
import { loopProbe } from "./loopProbe.ts";
import { LIMITS, type LimitName } from "./names.ts";
import { Places } from "./places.ts";
import { openRates, type Rates } from "./rates.ts";
import { ROUTE_CLASSES, type RouteClass } from "./routeClass.ts";

/** Costly requests of one brand that wait for a place; more are refused. */
const COSTLY_WAITING = 8;

/** Who makes a request, as far as limits are concerned. */
export interface Subject {
  userId: string;
  brandId: string | null;
}

/** Header fields of draft-ietf-httpapi-ratelimit-headers-10. */
export interface Headings {
  /** `RateLimit-Policy` */
  policy: string;
  /** `RateLimit` */
  state: string;
}

/** What a request is told about its limit, and what its end is noted with. */
export interface Pass extends Headings {
  /** The handler is done: the time it took is charged. */
  worked(): void;
  /** The request is over, however it ended. */
  release(): void;
}

export interface Admission {
  /** Admits a request of the class, before its body is read. `refused` is given the header fields of a refusal. @throws AppError RATE_LIMITED */
  admit(subject: Subject, routeClass: RouteClass, refused: (headers: Headings) => void): Pass | Promise<Pass>;
  /** Takes over what an admin has just changed. */
  reload(): Promise<void>;
}

/** Bounds what each user and each brand asks of this service: how often, how much at once, and how much of its time. */
export function createAdmission(deps: { store: Store; clock: Clock; rates?: Rates }): Admission {
  const rates = deps.rates ?? openRates(deps.store, deps.clock);
  const limits = new LimitCache(deps.store);
  const places = new Places({ mostWaiting: COSTLY_WAITING, noun: "costly requests (the limit costlyAtOnce)" });
  const share = new FairShare();
  const probe = loopProbe((blockedMs, elapsedMs, now) => share.sample(blockedMs, elapsedMs, now));

  function admitKnown(subject: Subject, routeClass: RouteClass, refused: (headers: Headings) => void) {
    probe();
    const { userId, brandId } = subject;
    const own = limits.of(brandId);
    const { limit, usesLoop } = ROUTE_CLASSES[routeClass];
    const rate = { quota: own[limit], windowMs: (LIMITS[limit].windowSeconds ?? 60) * 1000 };
    const sharer = brandId ?? userId;
    if (usesLoop) mustLeaveShare(share.excess(sharer, performance.now()));

    const finish = (taken: Taken): Pass | Promise<Pass> => {
      const headings = headingsOf(routeClass, rate, taken);
      if (taken.waitMs > 0) {
        refused(headings);
        throw tooMany(routeClass, limit, rate, taken.waitMs);
      }
      if (!usesLoop) return { ...headings, worked: nothing, release: nothing };
      if (routeClass !== "costly") return new LoopPass(headings, share, sharer);
      return places.take(sharer, own.costlyAtOnce).then((giveBack) => new LoopPass(headings, share, sharer, giveBack));
    };
    const byUser = rates.take(`user ${userId}`, limit, rate);
    if (byUser instanceof Promise) return byUser.then((taken) => andBrand(taken, brandId, limit, rate, finish));
    return andBrand(byUser, brandId, limit, rate, finish);
  }

  /** A brand has the same limit as its user, whoever else may make requests for it. The tighter one is told. */
  function andBrand(
    byUser: Taken,
    brandId: string | null,
    limit: LimitName,
    rate: Rate,
    finish: (taken: Taken) => Pass | Promise<Pass>,
  ): Pass | Promise<Pass> {
    if (brandId === null || byUser.waitMs > 0) return finish(byUser);
    const byBrand = rates.take(`brand ${brandId}`, limit, rate);
    const tighter = (other: Taken) => (other.remaining < byUser.remaining || other.waitMs > 0 ? other : byUser);
    return byBrand instanceof Promise ? byBrand.then((taken) => finish(tighter(taken))) : finish(tighter(byBrand));
  }

  return {
    admit(subject, routeClass, refused) {
      const loading = limits.ready();
      if (loading === null) return admitKnown(subject, routeClass, refused);
      return loading.then(() => admitKnown(subject, routeClass, refused));
    },
    reload: () => limits.reload(),
  };
}

const nothing = () => {};

/** Charges the time from now until the handler is done. */
class LoopPass implements Pass {
  readonly policy: string;
  readonly state: string;
  readonly #share: FairShare;
  readonly #sharer: string;
  readonly #giveBack: () => void;
  readonly #begun = performance.now();
  #isCharged = false;

  constructor({ policy, state }: Headings, share: FairShare, sharer: string, giveBack: () => void = nothing) {
    this.policy = policy;
    this.state = state;
    this.#share = share;
    this.#sharer = sharer;
    this.#giveBack = giveBack;
  }

  worked(): void {
    if (this.#isCharged) return;
    this.#isCharged = true;
    const now = performance.now();
    this.#share.charge(this.#sharer, now - this.#begun, now);
  }

  release(): void {
    this.worked();
    this.#giveBack();
  }
}

function headingsOf(routeClass: RouteClass, { quota, windowMs }: Rate, taken: Taken): Headings {
  const { policy } = ROUTE_CLASSES[routeClass];
  return {
    policy: `"${policy}";q=${quota};w=${windowMs / 1000}`,
    state: `"${policy}";r=${Math.max(0, taken.remaining)};t=${Math.ceil(Math.max(taken.fullInMs, taken.waitMs) / 1000)}`,
  };
}

function tooMany(routeClass: RouteClass, limit: LimitName, { quota, windowMs }: Rate, waitMs: number): Fault {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `Too many ${ROUTE_CLASSES[routeClass].noun}: the limit ${limit} is ${quota} in ${windowMs / 1000} seconds; try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return new Fault("RATE_LIMITED", message, {
    retryAfterSeconds: seconds,
    facts: { limit: { name: limit, value: quota } },
  });
}

function mustLeaveShare(excessMs: number): void {
  if (excessMs === 0) return;
  const seconds = Math.ceil(excessMs / 1000);
  const message = `The service is busy and your requests used more than their share of its time: try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  throw new Fault("RATE_LIMITED", message, { retryAfterSeconds: seconds });
}
