import { brandOf, type Caller } from "./access.ts";

/**
 * Whose rows a request may see and change: one brand's, or (null) everybody's. Users reach their own brand, admins all
 * brands or the one they name. Verbs that take an id take this too, so that another's id is answered like a missing one.
 */
export type Reach = string | null;

export function reachOf(caller: Caller, named?: string): Reach {
  return caller.role === "admin" ? (named ?? null) : brandOf(caller, named);
}
