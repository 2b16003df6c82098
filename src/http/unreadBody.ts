import { declaredLength, hasBody, isHalfRead } from "./requestBody.ts";

/** A body as small as this is left to Bun, which drops it and keeps the connection. */
const DROPPED_BYTES = 64 * 1024;
/** How long a connection stays open after its answer, unread, so that the answer arrives before it is cut. */
const LINGER_MS = 30;
/** Connections that stay open so at the same time: Bun reads up to a megabyte ahead from each. */
const MOST_LINGERING = 64;

let lingering = 0;

/** Sends an answer, and leaves the connection open a moment longer. */
function lingeringBody(text: string): ReadableStream<Uint8Array> {
  lingering++;
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      await Bun.sleep(LINGER_MS);
      lingering--;
      try {
        controller.close();
      } catch {
        // The client is gone already.
      }
    },
  });
}

/**
 * Answers a request whose body nobody will read, and closes its connection; null where that is not needed. Bun would read
 * such a body to its end, be it a gigabyte. Closed at once, a client that is still sending would often see a broken
 * connection instead of the answer (RFC 9112, 9.6): one in twenty did.
 */
export function closeUnread(
  request: Request,
  answer: object,
  { status, headers }: { status: number; headers: object },
): Response | null {
  if (!hasBody(request)) return null;
  const told = declaredLength(request);
  if (request.bodyUsed ? !isHalfRead(request) : told !== null && told <= DROPPED_BYTES) return null;
  Object.assign(headers, { connection: "close" });
  if (request.bodyUsed || lingering >= MOST_LINGERING) return null;
  const body = lingeringBody(JSON.stringify(answer));
  return new Response(body, { status, headers: { "content-type": "application/json" } });
}
