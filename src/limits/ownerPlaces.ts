import { SECOND } from "../clock.ts";
import { Fault } from "../fault.ts";

/** Requests of one owner that are worked on at the same time while others are active. */
export const SHARED_AT_ONCE = 2;
/** An owner that made a request so recently is active. */
export const ACTIVE_MS = 10 * SECOND;
/** A request that takes longer no longer keeps the next one of its owner waiting: a launch may take minutes. */
export const LONG_REQUEST_MS = 3 * SECOND;
/** Requests of one owner that wait for a place; more are refused. */
export const MAX_WAITING = 200;
/** Requests of all owners that wait; more are refused, since each holds memory. */
const MAX_WAITING_OF_ALL = 5_000;
/** A request that waits longer is refused. */
export const MAX_WAIT_MS = 5 * SECOND;
/** How often those who wait are looked at when nothing ends. */
const CHECK_INTERVAL_MS = 250;

interface Place {
  startedAt: number;
}

interface Waiter {
  since: number;
  start(place: Place): void;
  refuse(error: Fault): void;
}

interface Owner {
  /** In the order they started. */
  running: Set<Place>;
  waiting: Waiter[];
}

/** Ends a request: its place goes to the next one of its owner. */
export type EndRequest = () => void;

/**
 * Bounds how many requests of one owner (a brand, or a user without one) are worked on at the same time, before anything is
 * done for them. Otherwise whoever sends most has most of the database's connections and of the event loop, which serve
 * requests in the order they come. An owner who is alone is not bounded.
 */
export class OwnerPlaces {
  readonly #owners = new Map<string, Owner>();
  /** The owner of the last request, and the last request of somebody else before it. */
  #latest = { owner: "", at: Number.NEGATIVE_INFINITY };
  #previous = { owner: "", at: Number.NEGATIVE_INFINITY };
  #waiting = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns what ends the request, at once where it need not wait. @throws Fault RATE_LIMITED when too many wait, or it waits too long */
  take(name: string): EndRequest | Promise<EndRequest> {
    const now = this.#now();
    this.#noteActive(name, now);
    let owner = this.#owners.get(name);
    if (!owner) {
      owner = { running: new Set(), waiting: [] };
      this.#owners.set(name, owner);
    }
    const taken = owner;
    if (taken.waiting.length > 0 || !this.#mayStart(name, taken, now)) {
      return this.#wait(taken, now).then((place) => this.#endOf(name, taken, place));
    }
    const place = { startedAt: now };
    taken.running.add(place);
    return this.#endOf(name, taken, place);
  }

  /** Requests that wait for a place. */
  get waiting(): number {
    return this.#waiting;
  }

  #noteActive(name: string, now: number): void {
    if (this.#latest.owner !== name) {
      this.#previous = this.#latest;
      this.#latest = { owner: name, at: now };
    } else this.#latest.at = now;
  }

  #isAlone(name: string, now: number): boolean {
    const other = this.#latest.owner === name ? this.#previous : this.#latest;
    return now - other.at > ACTIVE_MS;
  }

  #mayStart(name: string, { running }: Owner, now: number): boolean {
    for (const place of running) {
      if (now - place.startedAt <= LONG_REQUEST_MS) break;
      running.delete(place);
    }
    return running.size < SHARED_AT_ONCE || this.#isAlone(name, now);
  }

  #endOf(name: string, owner: Owner, place: Place): EndRequest {
    return () => {
      owner.running.delete(place);
      if (owner.waiting.length > 0) this.#startWaiting(name, owner, this.#now());
      else if (owner.running.size === 0) this.#forget(name, owner);
    };
  }

  #forget(name: string, owner: Owner): void {
    if (this.#owners.get(name) === owner) this.#owners.delete(name);
  }

  #wait(owner: Owner, now: number): Promise<Place> {
    if (owner.waiting.length >= MAX_WAITING || this.#waiting >= MAX_WAITING_OF_ALL) {
      throw refusal(`${owner.waiting.length} of yours are waiting already`);
    }
    this.#waiting++;
    this.#timer ??= setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    this.#timer.unref?.();
    return new Promise((start, refuse) => owner.waiting.push({ since: now, start, refuse }));
  }

  #startWaiting(name: string, owner: Owner, now: number): void {
    while (owner.waiting.length > 0 && this.#mayStart(name, owner, now)) {
      const next = owner.waiting.shift();
      if (!next) return;
      this.#left();
      const place = { startedAt: now };
      owner.running.add(place);
      // Behind the requests of others that have come meanwhile.
      setImmediate(() => next.start(place));
    }
  }

  /** Starts those whose owner is alone by now or has only long requests, and refuses those who waited too long. */
  #check(): void {
    const now = this.#now();
    for (const [name, owner] of this.#owners) {
      this.#startWaiting(name, owner, now);
      while (owner.waiting[0] && now - owner.waiting[0].since > MAX_WAIT_MS) {
        this.#left();
        owner.waiting.shift()?.refuse(refusal("this one waited too long"));
      }
      if (owner.running.size === 0 && owner.waiting.length === 0) this.#forget(name, owner);
    }
  }

  #left(): void {
    if (--this.#waiting > 0 || !this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

function refusal(reason: string): Fault {
  const message = `Too many requests at once: ${SHARED_AT_ONCE} are worked on at the same time while others use the service, and ${reason}; try again in 2 seconds`;
  return new Fault("RATE_LIMITED", message, { retryAfterSeconds: 2 });
}
