import { declaredLength } from "./requestBody.ts";

/** A body as small as this is left to Bun, which drops it and keeps the connection. */
const DROPPED_BYTES = 64 * 1024;
/** What is read and dropped of a larger one after the answer, so that the answer arrives before the connection is cut. */
const DRAINED_BYTES = 1_000_000;
const DRAIN_MS = 200;

/**
 * Answers a request whose body nobody will read, and closes its connection; null where that is not needed. Bun would read
 * such a body to its end, be it a gigabyte. Closed at once, the client would often see a broken connection instead of the
 * answer (RFC 9112, 9.6): so a little is read and dropped first.
 */
export function closeUnread(
  request: Request,
  answer: object,
  { status, headers }: { status: number; headers: object },
): Response | null {
  if (request.body === null) return null;
  const told = declaredLength(request);
  if (!request.bodyUsed && told !== null && told <= DROPPED_BYTES) return null;
  Object.assign(headers, { connection: "close" });
  if (request.bodyUsed) return null;
  const reader = request.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(JSON.stringify(answer)));
      await drain(reader);
      controller.close();
    },
  });
  return new Response(body, { status, headers: { "content-type": "application/json" } });
}

async function drain(reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), DRAIN_MS);
  let dropped = 0;
  try {
    while (dropped < DRAINED_BYTES) {
      const piece = await Promise.race([reader.read(), over]);
      if (piece === null || piece.done) break;
      dropped += piece.value.length;
    }
  } catch {
    // The client is gone, and with it whom the answer is for.
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => {});
  }
}
