import { type ErrorDetail, invalid } from "../../lib/errors.ts";
import { parseCursor } from "../pagination.ts";

/** Deepest nesting of input: no valid request has half of it, and far deeper ones exhaust the stack. */
export const MAX_INPUT_DEPTH = 32;
/** Most values in one input: a thousand contacts with all fields hold fewer; a few million block the process for seconds. */
export const MAX_INPUT_VALUES = 100_000;

/**
 * Finds the first part of a value that cannot be stored or validated: a text with a NUL or half of a surrogate pair, which
 * PostgreSQL rejects with an error of its own and SQLite stores; and what breaks Elysia's description of errors: a field named
 * `toString` or `valueOf`, nesting that is too deep, too many values.
 */
export function findInputFlaw(value: unknown): ErrorDetail | null {
  if (isEmptyObject(value)) return null;
  const left: [field: string, value: unknown, depth: number][] = [["", value, 0]];
  let values = 0;
  for (let next = left.pop(); next; next = left.pop()) {
    const [field, item, depth] = next;
    if (typeof item === "string" && !isText(item)) {
      return { field, message: "contains a character that cannot be stored" };
    }
    if (typeof item !== "object" || item === null) continue;
    if (depth === MAX_INPUT_DEPTH)
      return { field: field.slice(0, field.indexOf(".")), message: "is nested too deeply" };
    values += Array.isArray(item) ? item.length : Object.keys(item).length;
    if (values > MAX_INPUT_VALUES) return { field, message: "holds too many values" };
    for (const [name, inner] of Object.entries(item)) {
      const at = field ? `${field}.${name}` : name;
      if (!isText(name)) return { field, message: "has a field whose name cannot be stored" };
      if (name === "toString" || name === "valueOf") return { field: at, message: "this name cannot be used" };
      left.push([at, inner, depth + 1]);
    }
  }
  return null;
}

/** Returns whether an object has no fields, as most queries and parameters do. */
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

/** Rejects a request with such a value in its body, query, path or cursor. @throws AppError INVALID */
export function assertStorable({ body, query, params }: Inputs): void {
  // Elysia treats a text or a list as a record of its parts, and a few million of them would block the process. A number it
  // treats as an object that lacks every field.
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw invalid("body", "expected an object");
  }
  assertPart("body", body);
  assertPart("query", query);
  assertPart("path", params);
  // A cursor is encoded JSON, whose texts reach the database too.
  const { cursor } = query as { cursor?: string };
  if (cursor !== undefined) assertPart("cursor", parseCursor(cursor));
}

function assertPart(place: string, value: object | null | undefined): void {
  if (value === undefined || value === null) return;
  const flaw = findInputFlaw(value);
  if (flaw) throw invalid(flaw.field || place, flaw.message);
}
