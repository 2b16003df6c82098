import type { RouteClass } from "../../http/route-policies.ts";
import { MINUTE } from "../../lib/clock.ts";
import type { LimitName } from "./names.ts";

interface RouteClassDefinition {
  limit: LimitName;
  windowMs: number;
  /** Name of the policy in header fields. */
  policy: string;
  /** Names the requests in the message of a rejection. */
  noun: string;
  /** True when its time occupies the event loop, as opposed to waiting for a network. */
  usesLoop: boolean;
}

export const ROUTE_CLASSES: Record<RouteClass, RouteClassDefinition> = {
  read: { limit: "readsPerMinute", windowMs: MINUTE, policy: "read", noun: "reading requests", usesLoop: true },
  write: { limit: "writesPerMinute", windowMs: MINUTE, policy: "write", noun: "writing requests", usesLoop: true },
  costly: { limit: "costlyPerMinute", windowMs: MINUTE, policy: "costly", noun: "costly requests", usesLoop: true },
  upload: { limit: "uploadsPerMinute", windowMs: MINUTE, policy: "upload", noun: "uploads", usesLoop: false },
  import: { limit: "importsPerMinute", windowMs: MINUTE, policy: "import", noun: "imports", usesLoop: false },
  // Failed logins have limits of their own (`mailboxLoginsPerMinute`).
  login: { limit: "writesPerMinute", windowMs: MINUTE, policy: "write", noun: "writing requests", usesLoop: false },
};

/** Returns the declared class of a route, else the class of its method. */
export function getRouteClass(method: string, declared: RouteClass | undefined): RouteClass {
  return declared ?? (method === "GET" || method === "HEAD" ? "read" : "write");
}
