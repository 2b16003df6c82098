import { AppError } from "../../lib/errors.ts";

/** Bounds of request bodies, from the configuration. */
export interface BodySettings {
  /** Bytes of all bodies in memory at the same time. */
  budgetBytes: number;
  /** Bytes of the bodies of one client: a user, or an address before the user is known. */
  clientBudgetBytes: number;
  /** Longest wait for a body, plus a second for every `bytesPerSecond` of it. */
  timeoutMs: number;
  bytesPerSecond: number;
}

export const BODY_SETTINGS: Readonly<BodySettings> = {
  budgetBytes: 64_000_000,
  clientBudgetBytes: 16_000_000,
  timeoutMs: 10_000,
  bytesPerSecond: 16_000,
};

/** Bytes reserved for the body of one request. */
interface Reservation {
  /** Counts the bytes against another client from now on. @throws AppError RATE_LIMITED above the share of that client; the reservation stays as it was */
  moveTo(client: string): void;
  release(): void;
}

/** The reads that wait for bytes of a client, so that a stop can end them. */
export interface BodyWaits {
  stopped: boolean;
  /** Ends each wait. */
  ends: Set<(error: AppError) => void>;
}

/** Limits of the body of one request, decided before any of it is read. */
export interface BodyAdmission {
  /** Largest body in bytes; Infinity for a file, which its handler bounds. */
  limit: number;
  settings: Pick<BodySettings, "timeoutMs" | "bytesPerSecond">;
  reservation: Reservation | null;
  waits: BodyWaits;
}

/** Counts the bytes of the bodies in memory. */
export interface BodyBudget {
  /** Never waits, because a waiting request holds memory. @throws AppError RATE_LIMITED above the share of the client, UNAVAILABLE above the whole budget */
  reserve(client: string, bytes: number): Reservation;
  /** Bytes reserved now. */
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
    throw new AppError("RATE_LIMITED", "Too many request bodies at the same time: send fewer at once", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  return {
    inUse: () => total,
    reserve(client, bytes) {
      assertRoom(client, bytes);
      if (total + bytes > settings.budgetBytes) {
        throw new AppError("UNAVAILABLE", "Too many request bodies are being received: try again", {
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
