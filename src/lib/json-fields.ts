/** A JSON object whose fields are unchecked. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function toFields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function toFieldsList(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

export function toText(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

/** Returns a safe integer; null for anything else. */
export function toInteger(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

/** Converts Unix seconds to epoch milliseconds; null for anything else. */
export function parseUnixSeconds(value: unknown): number | null {
  const seconds = toInteger(value);
  return seconds !== null && seconds >= 0 && seconds < 1e11 ? seconds * 1000 : null;
}
