import { Elysia } from "elysia";

/** A year, as browsers' preload lists ask for; other hosts of the domain are their operators' business. */
const HSTS = "max-age=31536000";

/**
 * Returns the headers of every answer: nothing of it is kept by caches or taken for another type, and no address of ours is told to
 * other sites. Over https browsers do not come by http again (RFC 6797).
 */
export function securityHeadersFor(publicUrl: string): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    ...(publicUrl.startsWith("https:") ? { "strict-transport-security": HSTS } : {}),
  };
}

/** Sets these headers, unless a route says otherwise. Mount it first: refusals have them too. */
export function securityHeaders(publicUrl: string) {
  const headers = securityHeadersFor(publicUrl);
  return new Elysia({ name: "security headers" }).onRequest(({ set }) => {
    Object.assign(set.headers, headers);
  });
}
