function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Serves a file from memory, compressed. It is loaded at the first request, so that it costs nothing at start, and
 * compressed then unless the build has done so.
 */
export function serveAsset(
  type: string,
  read: () => Promise<Uint8Array<ArrayBuffer>>,
  extraHeaders: Record<string, string> = {},
): (request: Request) => Promise<Response> {
  let kept: Promise<{ body: Uint8Array<ArrayBuffer>; tag: string }> | undefined;

  async function compress() {
    const bytes = await read();
    const body = new Uint8Array(isGzip(bytes) ? bytes : Bun.gzipSync(bytes));
    return { body, tag: `W/"${Bun.hash(body).toString(36)}"` };
  }

  return async (request) => {
    kept ??= compress();
    const { body, tag } = await kept;
    const headers = {
      "content-type": type,
      // The paths carry no version: a browser caches the file and revalidates it by its tag.
      "cache-control": "no-cache",
      etag: tag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
      ...extraHeaders,
    };
    if (request.headers.get("if-none-match")?.includes(tag)) return new Response(null, { status: 304, headers });
    if (/\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")) {
      return new Response(body, { headers: { ...headers, "content-encoding": "gzip" } });
    }
    return new Response(Bun.gunzipSync(body), { headers });
  };
}
