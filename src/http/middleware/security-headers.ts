import { Elysia } from "elysia";

/** One year, as browsers' preload lists require; without the other hosts of the domain, which belong to their operators. */
const HSTS = "max-age=31536000";

/**
 * Returns the headers of every response: no caching, no content type guessing, no referrer for other sites. Over https browsers
 * are told to use https only (RFC 6797).
 */
function getSecurityHeaders(publicUrl: string): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    ...(publicUrl.startsWith("https:") ? { "strict-transport-security": HSTS } : {}),
  };
}

/** Sets these headers; a route may override them. Mount it first, so that error responses have them too. */
export function securityHeaders(publicUrl: string) {
  const headers = getSecurityHeaders(publicUrl);
  return new Elysia({ name: "security headers" }).onRequest(({ set }) => {
    Object.assign(set.headers, headers);
  });
}
