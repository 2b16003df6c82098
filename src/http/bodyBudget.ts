import { Fault } from "../fault.ts";

/** What request bodies may take, from the configuration. */
export interface BodySettings {
  /** Bytes of all bodies in memory at the same time. */
  budgetBytes: number;
  /** Bytes of the bodies of one client: a user, or an address before it is known who asks. */
  clientBudgetBytes: number;
  /** How long a body may keep us waiting, plus a second for every `bytesPerSecond` of it. */
  timeoutMs: number;
  bytesPerSecond: number;
}

export const BODY_SETTINGS: Readonly<BodySettings> = {
  budgetBytes: 64_000_000,
  clientBudgetBytes: 16_000_000,
  timeoutMs: 10_000,
  bytesPerSecond: 16_000,
};

/** Bytes that are set aside for the body of one request. */
export interface Reservation {
  /** Counts the bytes against another client from now on. @throws Fault RATE_LIMITED when that one has too many; nothing is counted then */
  moveTo(client: string): void;
  release(): void;
}

/** The reads that wait for bytes of a client, so that a stop can end them. */
export interface BodyWaits {
  stopped: boolean;
  /** Ends each wait. */
  ends: Set<(fault: Fault) => void>;
}

/** What was decided about the body of a request before any of it was read. */
export interface BodyAdmission {
  /** Largest body in bytes; Infinity for a file, which its route bounds. */
  limit: number;
  settings: Pick<BodySettings, "timeoutMs" | "bytesPerSecond">;
  reservation: Reservation | null;
  waits: BodyWaits;
}

/** Counts the bytes of the bodies in memory. */
export interface BodyBudget {
  /** Never waits: whoever waits holds memory. @throws Fault RATE_LIMITED for one client's share, UNAVAILABLE for all of it */
  reserve(client: string, bytes: number): Reservation;
  /** Bytes that are set aside now. */
  inUse(): number;
}

const RETRY_AFTER_SECONDS = 1;

export function createBodyBudget(settings: Pick<BodySettings, "budgetBytes" | "clientBudgetBytes">): BodyBudget {
  const byClient = new Map<string, number>();
  let total = 0;

  function add(client: string, bytes: number): void {
    const sum = (byClient.get(client) ?? 0) + bytes;
    if (sum > 0) byClient.set(client, sum);
    else byClient.delete(client);
    total += bytes;
  }

  function assertRoom(client: string, bytes: number): void {
    if ((byClient.get(client) ?? 0) + bytes <= settings.clientBudgetBytes) return;
    throw new Fault("RATE_LIMITED", "Too many request bodies at the same time: send fewer at once", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  return {
    inUse: () => total,
    reserve(client, bytes) {
      assertRoom(client, bytes);
      if (total + bytes > settings.budgetBytes) {
        throw new Fault("UNAVAILABLE", "Too many request bodies are being received: try again", {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      add(client, bytes);
      let holder: string | null = client;
      return {
        moveTo(next) {
          if (holder === null || holder === next) return;
          assertRoom(next, bytes);
          add(holder, -bytes);
          add(next, bytes);
          holder = next;
        },
        release() {
          if (holder !== null) add(holder, -bytes);
          holder = null;
        },
      };
    },
  };
}
