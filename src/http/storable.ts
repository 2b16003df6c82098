import { type Detail, invalid } from "../fault.ts";
import { readCursor } from "./cursor.ts";

/** No request of ours is nested half as deep; far deeper ones exhaust the stack of whatever walks them. */
export const DEEPEST = 32;
/** A thousand contacts with all that can be said about them hold fewer values; a few million keep the process for seconds. */
export const MOST_VALUES = 100_000;

/**
 * The first thing in a value that cannot be kept: a text with a NUL or half of a surrogate pair, which PostgreSQL refuses
 * with an error of its own and SQLite stores; or what Elysia falls over when it says what is wrong with the value: a field
 * named like what JavaScript asks of every object to write it as text, bottomless nesting, and values without number.
 */
export function unstorable(value: unknown): Detail | null {
  if (isEmptyObject(value)) return null;
  const left: [field: string, value: unknown, depth: number][] = [["", value, 0]];
  let values = 0;
  for (let next = left.pop(); next; next = left.pop()) {
    const [field, item, depth] = next;
    if (typeof item === "string" && !isText(item)) {
      return { field, message: "contains a character that cannot be stored" };
    }
    if (typeof item !== "object" || item === null) continue;
    if (depth === DEEPEST) return { field: field.slice(0, field.indexOf(".")), message: "is nested too deeply" };
    values += Array.isArray(item) ? item.length : Object.keys(item).length;
    if (values > MOST_VALUES) return { field, message: "holds too many values" };
    for (const [name, inner] of Object.entries(item)) {
      const at = field ? `${field}.${name}` : name;
      if (!isText(name)) return { field, message: "has a field whose name cannot be stored" };
      if (name === "toString" || name === "valueOf") return { field: at, message: "this name cannot be used" };
      left.push([at, inner, depth + 1]);
    }
  }
  return null;
}

/** Most requests have no query and no parameters. */
function isEmptyObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  for (const _ in value) return false;
  return true;
}

function isText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

interface Inputs {
  body: unknown;
  query: object;
  params: object;
}

/** Finds such a value in the parts of a request. @throws AppError INVALID */
export function assertStorable({ body, query, params }: Inputs): void {
  // Elysia takes a text or a list for a record of its parts: with a few million of them the process would stand still.
  // And a number it takes for an object that lacks everything.
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw invalid("body", "expected an object");
  }
  assertPart("body", body);
  assertPart("query", query);
  assertPart("path", params);
  // A cursor is text within text: what it hides reaches the database too.
  const { cursor } = query as { cursor?: string };
  if (cursor !== undefined) assertPart("cursor", readCursor(cursor));
}

function assertPart(place: string, value: object | null | undefined): void {
  if (value === undefined || value === null) return;
  const flaw = unstorable(value);
  if (flaw) throw invalid(flaw.field || place, flaw.message);
}
