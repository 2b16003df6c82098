import { SECOND } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";

/** Maximum concurrent requests of one owner while other owners are active. */
export const MAX_SHARED_REQUESTS = 2;
/** Time after its last request for which an owner is active. */
export const ACTIVE_MS = 10 * SECOND;
/** Duration after which a running request no longer delays others: a launch may take minutes, and so may a slow body. */
export const LONG_REQUEST_MS = SECOND;
/** Longest pause of an owner with several requests, after one was started or has ended, so that other owners' requests run. */
export const MAX_PAUSE_MS = 10;
/** Waiting requests of one owner; more are rejected. */
export const MAX_WAITING_PER_OWNER = 200;
/** Waiting requests of all owners; more are rejected, because each holds memory. */
const MAX_WAITING_REQUESTS = 5_000;
/** Longest wait of a request; it is rejected after it. */
export const MAX_WAIT_MS = 5 * SECOND;
/** Rejections that are delayed at the same time; more are sent at once. */
const MAX_DELAYED_REJECTIONS = 1_000;
/** Delay of a rejection while requests of other owners are running. */
const REJECTION_DELAY_MS = 50;
/** Interval of the checks of waiting requests while no request ends. */
const CHECK_INTERVAL_MS = 5;

interface Place {
  owner: Owner;
  startedAt: number;
}

interface Waiter {
  since: number;
  start(place: Place): void;
  refuse(error: AppError): void;
}

interface Owner {
  name: string;
  running: number;
  waiting: Waiter[];
  /** Its waiting requests do not start before this time. */
  pausedUntil: number;
}

/** Ends a request: its place goes to the next one of its owner. */
export type EndRequest = () => void;

/**
 * Bounds the concurrent requests of one owner (a brand, or a user without one) before any work is done for them. Otherwise
 * the owner with the most requests gets most of the database's connections and of the event loop, which serve requests in
 * the order they come. While requests of other owners are running, an owner with several runs them one after the other,
 * with pauses as long as they took. A single active owner is not bounded.
 */
export class OwnerPlaces {
  readonly #owners = new Map<string, Owner>();
  readonly #queued = new Set<Owner>();
  /** The owner of the last request, and the last request of another owner before it. */
  #latest = { name: "", at: Number.NEGATIVE_INFINITY };
  #previous = { name: "", at: Number.NEGATIVE_INFINITY };
  /** Of all owners, in the order they started. */
  readonly #running = new Set<Place>();
  #waiting = 0;
  #delayedRejections = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Starts a request, now or after a wait, and returns the function that ends it. @throws AppError RATE_LIMITED when too many wait, or it waits too long */
  take(name: string, now = this.#now()): EndRequest | Promise<EndRequest> {
    this.#noteActive(name, now);
    const owner = this.#getOwner(name);
    if (owner.waiting.length === 0 && (owner.running === 0 || this.#mayStart(owner, now))) {
      return this.#createEnd(this.#start(owner, now));
    }
    return this.#wait(owner, now).then((place) => this.#createEnd(place));
  }

  /** Returns whether requests of other owners are running. */
  othersRun(name: string): boolean {
    this.#releaseLong(this.#now());
    return this.#running.size > (this.#owners.get(name)?.running ?? 0);
  }

  /**
   * Rejects a request with an error, after `REJECTION_DELAY_MS` while requests of other owners are running: a client that
   * retries at once would otherwise occupy the event loop.
   */
  refuse(name: string, error: AppError): Promise<never> {
    if (this.#delayedRejections >= MAX_DELAYED_REJECTIONS || !this.othersRun(name)) throw error;
    this.#delayedRejections++;
    return new Promise((_, reject) => {
      setTimeout(() => {
        this.#delayedRejections--;
        reject(error);
      }, REJECTION_DELAY_MS);
    });
  }

  /** Requests that wait for a place. */
  get waiting(): number {
    return this.#waiting;
  }

  #getOwner(name: string): Owner {
    const known = this.#owners.get(name);
    if (known) return known;
    const owner: Owner = { name, running: 0, waiting: [], pausedUntil: 0 };
    this.#owners.set(name, owner);
    return owner;
  }

  #noteActive(name: string, now: number): void {
    if (this.#latest.name !== name) {
      this.#previous = this.#latest;
      this.#latest = { name, at: now };
    } else this.#latest.at = now;
  }

  #isAlone(name: string, now: number): boolean {
    const other = this.#latest.name === name ? this.#previous : this.#latest;
    return now - other.at > ACTIVE_MS;
  }

  #mayStart(owner: Owner, now: number): boolean {
    if (this.#isAlone(owner.name, now)) return true;
    this.#releaseLong(now);
    if (owner.running >= MAX_SHARED_REQUESTS) return false;
    return now >= owner.pausedUntil || this.#running.size === owner.running;
  }

  #releaseLong(now: number): void {
    for (const place of this.#running) {
      if (now - place.startedAt <= LONG_REQUEST_MS) return;
      this.#release(place);
    }
  }

  #start(owner: Owner, now: number): Place {
    const place = { owner, startedAt: now };
    this.#running.add(place);
    owner.running++;
    owner.pausedUntil = now + MAX_PAUSE_MS;
    return place;
  }

  #release(place: Place): void {
    if (this.#running.delete(place)) place.owner.running--;
  }

  #createEnd(place: Place): EndRequest {
    return () => {
      const now = this.#now();
      const { owner, startedAt } = place;
      this.#release(place);
      owner.pausedUntil = now + Math.min(now - startedAt, MAX_PAUSE_MS);
      if (owner.running > 0) return;
      // After a long request another owner object may have this name.
      if (owner.waiting.length === 0 && this.#owners.get(owner.name) === owner) this.#owners.delete(owner.name);
      if (this.#waiting > 0) this.#startWaiting(now);
    };
  }

  #wait(owner: Owner, now: number): Promise<Place> {
    if (owner.waiting.length >= MAX_WAITING_PER_OWNER || this.#waiting >= MAX_WAITING_REQUESTS) {
      throw tooManyRequests(`${owner.waiting.length} of your requests are waiting already`);
    }
    this.#waiting++;
    this.#queued.add(owner);
    this.#timer ??= setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    return new Promise((start, refuse) => owner.waiting.push({ since: now, start, refuse }));
  }

  /** Starts the waiting requests that may start, owner by owner. */
  #startWaiting(now: number): void {
    for (const owner of this.#queued) {
      while (owner.waiting.length > 0 && this.#mayStart(owner, now)) {
        const next = this.#unqueue(owner);
        const place = this.#start(owner, now);
        // After the requests of other owners that have arrived meanwhile.
        setImmediate(() => next?.start(place));
      }
    }
  }

  #unqueue(owner: Owner): Waiter | undefined {
    const next = owner.waiting.shift();
    if (owner.waiting.length === 0) this.#queued.delete(owner);
    if (--this.#waiting === 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    return next;
  }

  #check(): void {
    const now = this.#now();
    this.#startWaiting(now);
    for (const owner of this.#queued) {
      while (owner.waiting[0] && now - owner.waiting[0].since > MAX_WAIT_MS) {
        this.#unqueue(owner)?.refuse(tooManyRequests("this request waited too long"));
      }
    }
  }
}

function tooManyRequests(reason: string): AppError {
  const message = `Too many requests at once: the service runs few requests of one owner at the same time while others use it, and ${reason}; try again in 2 seconds`;
  return new AppError("RATE_LIMITED", message, { retryAfterSeconds: 2 });
}
