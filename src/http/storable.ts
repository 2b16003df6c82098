import { Elysia } from "elysia";
import { invalid } from "../fault.ts";
import { readCursor } from "./cursor.ts";

/** Where a text stands that no database can keep: it has a NUL, or half of a surrogate pair. Null when all can be kept. */
export function unstorable(value: unknown): string | null {
  // A list of what is left to look at: a body may be nested deeper than the stack.
  const left: [path: string, value: unknown][] = [["", value]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [path, item] = next;
    if (typeof item === "string") {
      if (item.includes("\0") || !item.isWellFormed()) return path;
    } else if (typeof item === "object" && item !== null) {
      if (!Array.isArray(item) && Object.getPrototypeOf(item) !== Object.prototype) continue;
      for (const [name, inner] of Object.entries(item)) {
        if (unstorable(name) !== null) return path;
        left.push([path ? `${path}.${name}` : name, inner]);
      }
    }
  }
  return null;
}

/** Refuses such texts before they reach a verb. PostgreSQL would fail with an error of its own, SQLite keep them. */
export const storable = new Elysia({ name: "storable" }).onTransform({ as: "scoped" }, ({ body, query, params }) => {
  for (const [place, value] of Object.entries({ body, query, path: params })) {
    const field = unstorable(value);
    if (field !== null) throw invalid(field || place, "contains a character that cannot be stored");
  }
  // A cursor is text within text: what it hides reaches the database too.
  const cursor = readCursor((query as { cursor?: string }).cursor);
  if (unstorable(cursor) !== null) throw invalid("cursor", "expected the nextCursor of an earlier page");
});
