import { Elysia } from "elysia";
import { isPublic, parseAddress } from "../../lib/network/address-rules.ts";
import type { Deps } from "../deps.ts";

/** Headers that a proxy adds and no browser sends. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip"];

/**
 * Adds a finding when a proxy on a private address forwards a request and CLIENT_ADDRESS_HEADER is not set: all clients then
 * count as one, so that one of them uses up the sign-in attempts of all. Headers from a public address prove nothing.
 */
export function detectProxy({ config, security, log }: Pick<Deps, "config" | "security" | "log">) {
  const app = new Elysia({ name: "proxy sighting" });
  if (config.clientAddressHeader !== null) return app;
  let wasSeen = false;
  return app.onRequest(({ request, server }) => {
    if (wasSeen || !PROXY_HEADERS.some((name) => request.headers.has(name))) return;
    const peer = parseAddress(server?.requestIP(request)?.address ?? "");
    if (peer === null || isPublic(peer)) return;
    wasSeen = true;
    const finding = {
      key: "client-address-unknown",
      severity: "MEDIUM",
      message: "Requests come through a proxy, and CLIENT_ADDRESS_HEADER is not set: all clients count as one",
      remedy: "Set CLIENT_ADDRESS_HEADER to the header in which the proxy names the client, such as x-forwarded-for",
    } as const;
    if (security.add(finding)) log.warn("security.insecure_setting", finding);
  });
}
