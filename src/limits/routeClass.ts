import { MINUTE } from "../clock.ts";
import type { RouteClass } from "../http/routePlans.ts";
import type { LimitName } from "./names.ts";

interface ClassFacts {
  limit: LimitName;
  windowMs: number;
  /** The name of the policy in header fields. */
  policy: string;
  /** What is refused, in a message. */
  noun: string;
  /** Whether its time is the loop's. What waits for a network does not keep others waiting. */
  usesLoop: boolean;
}

export const ROUTE_CLASSES: Record<RouteClass, ClassFacts> = {
  read: { limit: "readsPerMinute", windowMs: MINUTE, policy: "read", noun: "reading requests", usesLoop: true },
  write: { limit: "writesPerMinute", windowMs: MINUTE, policy: "write", noun: "writing requests", usesLoop: true },
  costly: { limit: "costlyPerMinute", windowMs: MINUTE, policy: "costly", noun: "costly requests", usesLoop: true },
  upload: { limit: "uploadsPerMinute", windowMs: MINUTE, policy: "upload", noun: "uploads", usesLoop: false },
  import: { limit: "importsPerMinute", windowMs: MINUTE, policy: "import", noun: "imports", usesLoop: false },
  // Failed logins have limits of their own, where they are made.
  login: { limit: "writesPerMinute", windowMs: MINUTE, policy: "write", noun: "writing requests", usesLoop: false },
};

/** Returns the class of a route by what it says of itself, else by its method. */
export function classOf(method: string, told: RouteClass | undefined): RouteClass {
  return told ?? (method === "GET" || method === "HEAD" ? "read" : "write");
}
