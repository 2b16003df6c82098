import { AppError, invalid } from "../../lib/errors.ts";
import { scanJson } from "../json-scan.ts";
import type { RequestContext } from "../request-context.ts";
import { USER_BODY_BYTES } from "../route-policies.ts";
import { BODY_SETTINGS, type BodyAdmission, type BodyWaits } from "./body-budget.ts";

/** Ends all waits for bodies, and rejects new ones. */
export function endBodyWaits(waits: BodyWaits): void {
  waits.stopped = true;
  for (const end of waits.ends) end(bodyStopped());
}

/** Applies where the body admission is not mounted, as in tests of one module. */
const UNDECIDED_ADMISSION: Omit<BodyAdmission, "limit"> = {
  settings: BODY_SETTINGS,
  reservation: null,
  waits: { stopped: false, ends: new Set() },
};

/** Returns the declared length of a body; null for a chunked one. */
export function getDeclaredLength(request: Request): number | null {
  const told = request.headers.get("content-length");
  return told === null ? null : Number(told);
}

/**
 * Returns whether a request has a body. Reads `request.body` only where no length is declared: Bun then turns the body into a
 * stream, which is slower to read.
 */
export function hasBody(request: Request): boolean {
  const told = getDeclaredLength(request);
  return told === null ? request.body !== null : told > 0;
}

export function bodyTooLarge(limit: number): AppError {
  const size = limit >= 1_000_000 ? `${limit / 1_000_000} MB` : `${Math.floor(limit / 1024)} KB`;
  return new AppError("TOO_LARGE", `The body is larger than ${size}, the limit of this operation`);
}

const bodyTooSlow = () =>
  new AppError("TIMEOUT", "The body did not arrive in time: send it faster, or in smaller parts");
const bodyStopped = () =>
  new AppError("UNAVAILABLE", "The service is stopping: send the request again", { retryAfterSeconds: 5 });

/** Waits for bytes of a client. @throws AppError TIMEOUT after `ms`, UNAVAILABLE while the process stops */
async function awaitBytes<T>(bytes: Promise<T>, ms: number, waits: BodyWaits): Promise<T> {
  // Most bodies arrive together with their headers.
  if (Bun.peek.status(bytes) === "fulfilled") return bytes;
  if (waits.stopped) {
    bytes.catch(() => {});
    throw bodyStopped();
  }
  const { promise: given, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(bodyTooSlow()), ms);
  waits.ends.add(reject);
  try {
    return await Promise.race([bytes, given]);
  } finally {
    clearTimeout(timer);
    waits.ends.delete(reject);
  }
}

/** Returns how long a client may take to send so many bytes, in milliseconds. */
function bodyTimeoutMs(bytes: number, settings: BodyAdmission["settings"]): number {
  return settings.timeoutMs + (bytes / settings.bytesPerSecond) * 1000;
}

/**
 * Yields the body of a request in chunks. Only the time spent waiting for the client counts, not the work on the chunks, and
 * the deadline grows with the bytes received.
 * @throws AppError TOO_LARGE beyond the limit of the route, TIMEOUT, UNAVAILABLE while the process stops
 */
export async function* streamBody(
  context: RequestContext,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const { limit, settings, waits } = context.body ?? { ...UNDECIDED_ADMISSION, limit: most };
  const reader = context.request.body?.getReader();
  if (!reader) return;
  let received = 0;
  let waitedMs = 0;
  context.isBodyHalfRead = true;
  for (;;) {
    const from = performance.now();
    const { done, value } = await awaitBytes(reader.read(), bodyTimeoutMs(received, settings) - waitedMs, waits);
    waitedMs += performance.now() - from;
    if (done) break;
    received += value.length;
    if (received > limit) throw bodyTooLarge(limit);
    yield value;
  }
  context.isBodyHalfRead = false;
}

/**
 * Loads the whole body of a request. `most` is the limit where the body admission is not mounted.
 * @throws AppError as `streamBody` does
 */
export async function loadBody(context: RequestContext, most = USER_BODY_BYTES): Promise<Uint8Array> {
  const { request } = context;
  const { limit, settings, waits } = context.body ?? { ...UNDECIDED_ADMISSION, limit: most };
  const told = getDeclaredLength(request);
  if (told !== null) {
    if (told > limit) throw bodyTooLarge(limit);
    context.isBodyHalfRead = true;
    const bytes = await awaitBytes(request.bytes(), bodyTimeoutMs(told, settings), waits);
    context.isBodyHalfRead = false;
    if (bytes.length > limit) throw bodyTooLarge(limit);
    return bytes;
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of streamBody(context, limit)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes parsed without a scan: JSON this short cannot be nested deep enough to be slow. */
const UNSCANNED_BYTES = 1024;

/**
 * Parses the body of a request as JSON; undefined where it is empty.
 * @throws AppError MALFORMED for invalid JSON, INVALID for JSON nested too deeply, and as `loadBody` does
 */
export async function parseJsonBody(context: RequestContext): Promise<unknown> {
  const bytes = await loadBody(context);
  if (bytes.length > UNSCANNED_BYTES) await scanJson(bytes);
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("MALFORMED", "The body could not be read: expected valid JSON");
  }
}

/** Parses a body that may be left out, for the `parse` of a route. @throws AppError as `parseJsonBody` does, INVALID for anything but an object */
export async function parseOptionalBody({ context }: { context: RequestContext }): Promise<object> {
  const body = await parseJsonBody(context);
  if (body === undefined) return {};
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("body", "expected an object");
  return body;
}

/** Longest unread body that is left to Bun, which discards it without holding it in memory. */
const DROPPED_BYTES = 1_000_000;

/**
 * Closes the connection after the response to a request whose body stays unread: Bun would read it to its end, even a gigabyte.
 * A client that is still sending may see a broken connection instead of the response (RFC 9112, 9.6), as one in twenty that
 * sends megabytes does. Keeping it open would cost more: with responses delayed by 30 ms, 500 connections took 1.5 GB.
 */
export function closeIfUnread({ request, isBodyHalfRead }: RequestContext, headers: Record<string, unknown>): void {
  if (!hasBody(request)) return;
  const told = getDeclaredLength(request);
  const isLeft = request.bodyUsed ? isBodyHalfRead : told === null || told > DROPPED_BYTES;
  if (isLeft) headers.connection = "close";
}
