/** The reason of a failure. Each code becomes one HTTP status (`http/middleware/errors.ts`). */
export type ErrorCode =
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

/** One invalid field: its path (`steps.0.body`) and the expected value. */
export interface ErrorDetail {
  field: string;
  message: string;
}

export interface AppErrorOptions {
  details?: ErrorDetail[];
  /** Further public fields of the answer, e.g. the credits that are missing. */
  meta?: Record<string, unknown>;
  /** Details for operators only. */
  cause?: unknown;
  retryAfterSeconds?: number;
}

/**
 * An expected failure. `message` is public: it reaches the caller. Details for the operator go into `cause`. It contains no
 * HTTP, so that a service function fails with the same message in the delivery engine and in a route.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly details: ErrorDetail[] | undefined;
  readonly meta: Record<string, unknown> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.meta = options.meta;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Creates the error for a field that is well formed for JSON but wrong for its meaning. */
export function invalid(field: string, message: string): AppError {
  return new AppError("INVALID", `${field}: ${message}`, { details: [{ field, message }] });
}

/** Creates the error for an id that names nothing, or nothing the caller may see. */
export function notFound(noun: string, id: string): AppError {
  return new AppError("NOT_FOUND", `${noun} ${JSON.stringify(id.slice(0, 64))} was not found`);
}
