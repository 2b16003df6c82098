import type { Store } from "../../db/store.ts";
import type { RouteClass } from "../../http/route-policies.ts";
import type { Clock } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import type { Rate, Taken } from "./bucket.ts";
import { FairShare } from "./fair-share.ts";
import { LimitCache } from "./limit-cache.ts";
import { LoopMeter } from "./loop-meter.ts";
import { loopProbe } from "./loop-probe.ts";
import { type EndRequest, OwnerPlaces } from "./owner-places.ts";
import { ConcurrencyLimiter } from "./places.ts";
import { openRates, type Rates } from "./rates.ts";
import { ROUTE_CLASSES } from "./route-class.ts";

/** Costly requests of one brand that may wait; further ones are rejected. */
const MAX_WAITING_COSTLY_REQUESTS = 8;

/** Owner of a request, by whom limits are counted. */
interface Subject {
  userId: string;
  brandId: string | null;
}

/** Header fields of draft-ietf-httpapi-ratelimit-headers-10. */
export interface RateLimitHeaders {
  /** `RateLimit-Policy` */
  policy: string;
  /** `RateLimit` */
  state: string;
}

/** Header fields of an admitted request, and the function to call at its end. */
export interface AdmissionPass extends RateLimitHeaders {
  /** Ends the measurement when the request has its response. Requests that wait for a network have none. */
  end?: () => void;
}

/** Receives the header fields of a rejected request. */
type Refused = (headings: RateLimitHeaders) => void;

export interface Admission {
  /** Admits a request of the class, before its body is read. @throws AppError RATE_LIMITED */
  admit(subject: Subject, routeClass: RouteClass, refused: Refused): AdmissionPass | Promise<AdmissionPass>;
  /** Records the end of a request, successful or not. */
  ended(): void;
  /** Loads the limits again after an admin has changed them. */
  reload(): Promise<void>;
}

/** Bounds the requests of each user and brand: their rate, their number at once, and their share of the event loop. */
export function createAdmission(deps: { store: Store; clock: Clock; rates?: Rates }): Admission {
  const rates = deps.rates ?? openRates(deps.store, deps.clock);
  const limits = new LimitCache(deps.store);
  const places = new ConcurrencyLimiter({
    mostWaiting: MAX_WAITING_COSTLY_REQUESTS,
    noun: "costly requests (the limit costlyAtOnce)",
  });
  const ownerPlaces = new OwnerPlaces();
  timeSlices.setOthersRun((owner) => ownerPlaces.othersRun(owner));
  const share = new FairShare();
  const meter = new LoopMeter((subject, ms, now) => share.charge(subject, ms, now));
  const probe = loopProbe((blockedMs, elapsedMs, now) => share.sample(blockedMs, elapsedMs, now));

  function admitKnown(
    subject: Subject,
    routeClass: RouteClass,
    refused: Refused,
    now: number,
  ): AdmissionPass | Promise<AdmissionPass> {
    probe();
    const { userId, brandId } = subject;
    const own = limits.getLimits(brandId);
    const { limit, usesLoop, windowMs } = ROUTE_CLASSES[routeClass];
    const sharer = brandId ?? userId;
    if (usesLoop) assertWithinShare(share.excess(sharer, now));
    const rate = { quota: own[limit], windowMs };
    // A brand has one owner, so that both count as one; a user without a brand counts alone.
    const taken = rates.take(sharer, limit, rate);
    if (taken instanceof Promise) {
      return taken.then((late) => pass(routeClass, rate, late, sharer, own.costlyAtOnce, refused, performance.now()));
    }
    return pass(routeClass, rate, taken, sharer, own.costlyAtOnce, refused, now);
  }

  function pass(
    routeClass: RouteClass,
    rate: Rate,
    taken: Taken,
    sharer: string,
    costlyAtOnce: number,
    refused: Refused,
    now: number,
  ): AdmissionPass | Promise<AdmissionPass> {
    const headings = toRateLimitHeaders(routeClass, rate, taken);
    if (taken.waitMs > 0) {
      refused(headings);
      return ownerPlaces.refuse(sharer, tooManyRequests(routeClass, rate, taken.waitMs));
    }
    if (routeClass === "costly") return costly(headings, sharer, costlyAtOnce);
    if (!ROUTE_CLASSES[routeClass].usesLoop) return headings;
    const end = ownerPlaces.take(sharer, now);
    if (end instanceof Promise) {
      return end.then((later) => {
        meter.begin(sharer, performance.now());
        headings.end = later;
        return headings;
      });
    }
    meter.begin(sharer, now);
    headings.end = end;
    return headings;
  }

  /** Admits a costly request. Few run at once, so that each is timed to its end. */
  async function costly(headings: RateLimitHeaders, sharer: string, atOnce: number): Promise<AdmissionPass> {
    const giveBack = await places.take(sharer, atOnce);
    const endRequest = await takeOr(giveBack, sharer);
    const begun = performance.now();
    const end = () => {
      const now = performance.now();
      share.charge(sharer, now - begun, now);
      endRequest();
      giveBack();
    };
    return { ...headings, end };
  }

  async function takeOr(giveBack: () => void, sharer: string): Promise<EndRequest> {
    try {
      return await ownerPlaces.take(sharer);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  return {
    admit(subject, routeClass, refused) {
      const now = performance.now();
      const loading = limits.ready(now);
      if (loading === null) return admitKnown(subject, routeClass, refused, now);
      return loading.then(() => admitKnown(subject, routeClass, refused, performance.now()));
    },
    ended: () => meter.end(performance.now()),
    reload: () => limits.reload(),
  };
}

/** Caches the `RateLimit-Policy` of each class: it changes only when an admin changes a limit. */
const policies = new Map<RouteClass, { quota: number; text: string }>();

function formatPolicy(routeClass: RouteClass, { quota, windowMs }: Rate): string {
  const last = policies.get(routeClass);
  if (last?.quota === quota) return last.text;
  const text = `"${ROUTE_CLASSES[routeClass].policy}";q=${quota};w=${windowMs / 1000}`;
  policies.set(routeClass, { quota, text });
  return text;
}

function toRateLimitHeaders(routeClass: RouteClass, rate: Rate, { remaining, fullInMs, waitMs }: Taken): AdmissionPass {
  const seconds = Math.ceil(Math.max(fullInMs, waitMs) / 1000);
  const state = `"${ROUTE_CLASSES[routeClass].policy}";r=${Math.max(0, remaining)};t=${seconds}`;
  return { policy: formatPolicy(routeClass, rate), state };
}

function tooManyRequests(routeClass: RouteClass, { quota, windowMs }: Rate, waitMs: number): AppError {
  const { noun, limit } = ROUTE_CLASSES[routeClass];
  const seconds = Math.ceil(waitMs / 1000);
  const message = `Too many ${noun}: the limit ${limit} is ${quota} in ${windowMs / 1000} seconds; try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  const meta = { limit: { name: limit, value: quota } };
  return new AppError("RATE_LIMITED", message, { retryAfterSeconds: seconds, meta });
}

function assertWithinShare(excessMs: number): void {
  if (excessMs === 0) return;
  const seconds = Math.ceil(excessMs / 1000);
  const message = `The service is busy and your requests used more than their share of its time: try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  throw new AppError("RATE_LIMITED", message, { retryAfterSeconds: seconds });
}
