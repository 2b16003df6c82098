import { AppError } from "../../lib/errors.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Rejects a request that a page of another site makes with the user's cookie (CSRF). Browsers name that site in `Origin`, and
 * pages cannot change it; other programs send none, and hold no cookie by accident.
 * @throws AppError FORBIDDEN unless the origin is `ours` or the host of the request
 */
export function assertSameOrigin(request: Request, ours: string): void {
  const origin = request.headers.get("origin");
  if (origin === null || SAFE_METHODS.has(request.method) || origin === ours) return;
  if (URL.parse(origin)?.host === new URL(request.url).host) return;
  throw new AppError("FORBIDDEN", "This request comes from another site's page");
}
