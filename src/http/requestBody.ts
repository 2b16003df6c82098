import { Fault, invalid } from "../fault.ts";
import { BODY_SETTINGS, type BodyAdmission, type BodyWaits } from "./bodyBudget.ts";
import { scanJson } from "./jsonScan.ts";
import type { RequestContext } from "./request-context.ts";
import { USER_BODY_BYTES } from "./routePlans.ts";

/** Ends all waits, and those that would begin. */
export function stopWaits(waits: BodyWaits): void {
  waits.stopped = true;
  for (const end of waits.ends) end(stopped());
}

/** Where a part of the program is mounted without the rest of it, as tests do. */
const UNDECIDED: Omit<BodyAdmission, "limit"> = {
  settings: BODY_SETTINGS,
  reservation: null,
  waits: { stopped: false, ends: new Set() },
};

/** The length of a body as the request tells it; null where it comes in chunks. */
export function declaredLength(request: Request): number | null {
  const told = request.headers.get("content-length");
  return told === null ? null : Number(told);
}

/**
 * Whether a request has a body. Asked of `request.body` only where no length is told: Bun makes a stream of a body that is
 * asked for, and reads it more slowly then.
 */
export function hasBody(request: Request): boolean {
  const told = declaredLength(request);
  return told === null ? request.body !== null : told > 0;
}

export function tooLarge(limit: number): Fault {
  const size = limit >= 1_000_000 ? `${limit / 1_000_000} MB` : `${Math.floor(limit / 1024)} KB`;
  return new Fault("TOO_LARGE", `The body is larger than ${size}, which is the most that this operation takes`);
}

const tooSlow = () => new Fault("TIMEOUT", "The body did not arrive in time: send it faster, or in smaller parts");
const stopped = () =>
  new Fault("UNAVAILABLE", "The service is stopping: send the request again", { retryAfterSeconds: 5 });

/** Waits for bytes of a client, but no longer than `ms` and not while the process stops. */
async function awaitBytes<T>(bytes: Promise<T>, ms: number, waits: BodyWaits): Promise<T> {
  // Most bodies come with their heads.
  if (Bun.peek.status(bytes) === "fulfilled") return bytes;
  if (waits.stopped) {
    bytes.catch(() => {});
    throw stopped();
  }
  const { promise: given, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow()), ms);
  waits.ends.add(reject);
  try {
    return await Promise.race([bytes, given]);
  } finally {
    clearTimeout(timer);
    waits.ends.delete(reject);
  }
}

/** Milliseconds that a client may keep us waiting for so many bytes. */
export function patienceMs(bytes: number, settings: BodyAdmission["settings"]): number {
  return settings.timeoutMs + (bytes / settings.bytesPerSecond) * 1000;
}

/**
 * The body of a request, piece by piece. Only the time that the client keeps us waiting counts, not what is done with the
 * pieces, and it may take longer the more it has sent.
 * @throws Fault TOO_LARGE beyond the limit of the route, TIMEOUT, UNAVAILABLE while the process stops
 */
export async function* bodyPieces(
  context: RequestContext,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const { limit, settings, waits } = context.body ?? { ...UNDECIDED, limit: most };
  const reader = context.request.body?.getReader();
  if (!reader) return;
  let received = 0;
  let waitedMs = 0;
  context.isBodyHalfRead = true;
  for (;;) {
    const from = performance.now();
    const { done, value } = await awaitBytes(reader.read(), patienceMs(received, settings) - waitedMs, waits);
    waitedMs += performance.now() - from;
    if (done) break;
    received += value.length;
    if (received > limit) throw tooLarge(limit);
    yield value;
  }
  context.isBodyHalfRead = false;
}

/**
 * The whole body of a request. `most` counts where nothing was decided about it.
 * @throws Fault as `bodyPieces` does
 */
export async function readBytes(context: RequestContext, most = USER_BODY_BYTES): Promise<Uint8Array> {
  const { request } = context;
  const { limit, settings, waits } = context.body ?? { ...UNDECIDED, limit: most };
  const told = declaredLength(request);
  if (told !== null) {
    if (told > limit) throw tooLarge(limit);
    context.isBodyHalfRead = true;
    const bytes = await awaitBytes(request.bytes(), patienceMs(told, settings), waits);
    context.isBodyHalfRead = false;
    if (bytes.length > limit) throw tooLarge(limit);
    return bytes;
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of bodyPieces(context, limit)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes that are parsed without a look at them first: as deep as these go, `JSON.parse` goes in no time. */
const UNSCANNED_BYTES = 1024;

/**
 * The body of a request as JSON; undefined where it is empty.
 * @throws Fault MALFORMED, INVALID for what is nested too deeply, and what `readBytes` throws
 */
export async function readJson(context: RequestContext): Promise<unknown> {
  const bytes = await readBytes(context);
  if (bytes.length > UNSCANNED_BYTES) await scanJson(bytes);
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault("MALFORMED", "The body could not be read: expected valid JSON");
  }
}

/** Reads a body that may be left out, for the `parse` of a route. @throws Fault as `readJson` does, INVALID for no object */
export async function optionalBody({ context }: { context: RequestContext }): Promise<object> {
  const body = await readJson(context);
  if (body === undefined) return {};
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("body", "expected an object");
  return body;
}

/** A body as small as this is left to Bun, which drops what arrives of it, in no memory, and then closes the connection. */
const DROPPED_BYTES = 1_000_000;

/**
 * Has the connection closed after the answer to a request whose body nobody will read: Bun would read it to its end, be it
 * a gigabyte. A client that is still sending may then see a broken connection instead of the answer (RFC 9112, 9.6), as
 * one in twenty does that sends megabytes. To keep it open a moment longer would cost more than that: with answers that
 * lingered for 30 ms, 500 connections took 1.5 GB.
 */
export function closeUnread({ request, isBodyHalfRead }: RequestContext, headers: Record<string, unknown>): void {
  if (!hasBody(request)) return;
  const told = declaredLength(request);
  const isLeft = request.bodyUsed ? isBodyHalfRead : told === null || told > DROPPED_BYTES;
  if (isLeft) headers.connection = "close";
}
