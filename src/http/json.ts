/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same keys with other values. What is no object has no keys. */
export function mapValues(value: Json | undefined, change: (value: Json, key: string) => Json): JsonObject {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]))
    : {};
}

/** The plain JSON of what a library made: without its symbols, functions and absent values. */
export function toJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value));
}
