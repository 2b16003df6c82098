import { Fault } from "../fault.ts";

const harmless = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a request that another site's page makes with the visitor's cookie. Browsers name that site in `Origin`, and
 * pages cannot change it; other programs send none, and carry no cookie by accident.
 * @throws AppError FORBIDDEN unless the origin is `ours` or the host the request was sent to.
 */
export function refuseForeignOrigin(request: Request, ours: string): void {
  const origin = request.headers.get("origin");
  if (origin === null || harmless.has(request.method) || origin === ours) return;
  if (URL.parse(origin)?.host === new URL(request.url).host) return;
  throw new Fault("FORBIDDEN", "This request comes from another site's page");
}
