/** Why a request or a verb could not do what was asked. Each code becomes one HTTP status, in `http/faults.ts`. */
export type FaultCode =
  | "MALFORMED"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "REAUTHENTICATION_REQUIRED"
  | "NOT_FOUND"
  | "TIMEOUT"
  | "CONFLICT"
  | "INSUFFICIENT_CREDITS"
  | "TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "INVALID"
  | "RATE_LIMITED"
  | "UNAVAILABLE";

/** One thing wrong with one field: its path (`steps.0.body`) and what was expected instead. */
export interface Detail {
  field: string;
  message: string;
}

/**
 * An expected failure. `message` is public: it reaches the caller. What only an operator may see goes into `cause`.
 * Faults know no HTTP, so that a verb called by the delivery engine fails in the same words as one called by a route.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly details: Detail[] | undefined;
  /** Further public facts, e.g. the credits that are missing. */
  readonly facts: Record<string, unknown> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: FaultCode,
    message: string,
    extra: { details?: Detail[]; facts?: Record<string, unknown>; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.code = code;
    this.details = extra.details;
    this.facts = extra.facts;
    this.retryAfterSeconds = extra.retryAfterSeconds;
  }
}

/** A field that is well formed for JSON but wrong for its meaning. */
export function invalid(field: string, message: string): Fault {
  return new Fault("INVALID", `${field}: ${message}`, { details: [{ field, message }] });
}

export function notFound(noun: string, id: string): Fault {
  return new Fault("NOT_FOUND", `${noun} ${JSON.stringify(id.slice(0, 64))} was not found`);
}
