import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/**
 * A file served from memory. It is read and compressed when it is first asked for, off the thread that answers requests,
 * so that it costs nothing at start. Only the small copy is kept: clients that take no gzip are rare.
 */
export function asset(
  type: string,
  read: () => Promise<Uint8Array>,
  extraHeaders: Record<string, string> = {},
): (request: Request) => Promise<Response> {
  let packed: Promise<{ body: Uint8Array<ArrayBuffer>; tag: string }> | undefined;

  async function pack() {
    const plain = await read();
    return { body: new Uint8Array(await compress(plain)), tag: `W/"${Bun.hash(plain).toString(36)}"` };
  }

  return async (request) => {
    packed ??= pack();
    const { body, tag } = await packed;
    const headers = {
      "content-type": type,
      // The addresses carry no version: a browser keeps its copy, but asks whether it is still the one.
      "cache-control": "no-cache",
      etag: tag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
      ...extraHeaders,
    };
    if (request.headers.get("if-none-match")?.includes(tag)) return new Response(null, { status: 304, headers });
    if (!/\bgzip\b/.test(request.headers.get("accept-encoding") ?? ""))
      return new Response(new Uint8Array(await read()), { headers });
    return new Response(body, { headers: { ...headers, "content-encoding": "gzip" } });
  };
}
