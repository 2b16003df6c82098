import { Elysia, ValidationError } from "elysia";
import { isUnavailable } from "../../db/errors.ts";
import { AppError, type ErrorCode, type ErrorDetail } from "../../lib/errors.ts";
import type { Log } from "../../lib/logger.ts";
import { requestContext } from "../request-context.ts";
import { closeIfUnread } from "./request-body.ts";

const HTTP_STATUS: Record<ErrorCode, number> = {
  MALFORMED: 400,
  UNAUTHENTICATED: 401,
  INSUFFICIENT_CREDITS: 402,
  FORBIDDEN: 403,
  REAUTHENTICATION_REQUIRED: 403,
  NOT_FOUND: 404,
  TIMEOUT: 408,
  CONFLICT: 409,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INVALID: 422,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
};

/**
 * Finds the name of a query parameter by its number. Elysia checks numbers apart and reports only the value that is out of
 * bounds.
 */
function findQueryName(value: unknown, query: Record<string, unknown>): string | undefined {
  const isIt = (text: unknown) => typeof text === "string" && text.trim() !== "" && Number(text) === value;
  return Object.keys(query).find((name) => isIt(query[name]));
}

/** Lists the fields that TypeBox rejected, each with its path (`steps.0.body`) and the expected value. */
function toErrorDetails(error: ValidationError, query: Record<string, unknown>): ErrorDetail[] {
  const details = new Map<string, string>();
  for (const problem of error.all) {
    if (!("path" in problem)) continue;
    const path = problem.path.replace(/^\//, "").replaceAll("/", ".");
    const field = path || findQueryName(error.value, query) || error.type;
    if (!details.has(field)) details.set(field, problem.summary ?? problem.message);
    if (details.size >= 20) break;
  }
  return [...details].map(([field, message]) => ({ field, message }));
}

const isSyntax = (error: Error) => error instanceof SyntaxError;

/** Converts an error of Elysia, the database or a service function; null for one that is not expected. */
function toAppError(code: unknown, error: unknown, query: Record<string, unknown> = {}): AppError | null {
  if (error instanceof AppError) return error;
  // Elysia wraps errors that are thrown before a body is parsed: those of the guard, and of the database query in it.
  if (code === "PARSE" && error instanceof Error && error.cause instanceof Error && !isSyntax(error.cause))
    return toAppError("UNKNOWN", error.cause, query);
  if (error instanceof ValidationError) {
    // A response that breaks its own schema is an error of the service.
    if (error.type === "response") return null;
    const details = toErrorDetails(error, query);
    const [first] = details;
    return new AppError("INVALID", first ? `${first.field}: ${first.message}` : "The request is not valid", {
      details,
    });
  }
  if (code === "NOT_FOUND") return new AppError("NOT_FOUND", "Not found");
  if (code === "PARSE") return new AppError("MALFORMED", "The body could not be read: expected valid JSON");
  if (code === "INVALID_COOKIE_SIGNATURE") return new AppError("UNAUTHENTICATED", "Sign in first");
  return isUnavailable(error) ? databaseUnavailable(error) : null;
}

export function databaseUnavailable(cause?: unknown): AppError {
  return new AppError("UNAVAILABLE", "The database cannot be reached; try again", { cause, retryAfterSeconds: 5 });
}

/** Returns the response to a failed request; null stands for an error that is not expected. */
export function toErrorResponse(appError: AppError | null, requestId: string) {
  return {
    status: appError ? HTTP_STATUS[appError.code] : 500,
    headers: {
      "x-request-id": requestId,
      ...(appError?.retryAfterSeconds ? { "retry-after": String(appError.retryAfterSeconds) } : {}),
    },
    body: {
      success: false,
      message: appError?.message ?? "Internal error: quote the requestId when you report it",
      code: appError?.code ?? "INTERNAL",
      requestId,
      ...(appError?.details ? { details: appError.details } : {}),
      ...appError?.meta,
    },
  };
}

/**
 * Answers errors of all routes. Mount it before the modules: Elysia's hooks reach only routes that are mounted after them.
 * The body is `{success:false, message, code, requestId, details?}`; never a stack, SQL or a secret.
 */
export function errorHandler(log: Log) {
  return new Elysia({ name: "errors" })
    .use(requestContext)
    .onError({ as: "global" }, ({ code, error, set, context, query }) => {
      const { requestId } = context;
      const appError = toAppError(code, error, query);
      if (!appError) log.error("http.request_failed", { requestId, error });
      if (appError?.cause) log.warn("http.request_rejected", { requestId, code: appError.code, cause: appError.cause });
      const { status, headers, body } = toErrorResponse(appError, requestId);
      set.status = status;
      Object.assign(set.headers, headers);
      closeIfUnread(context, set.headers);
      return body;
    });
}
