import type { RequestContext } from "./request-context.ts";
import { declaredLength, hasBody } from "./requestBody.ts";

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
