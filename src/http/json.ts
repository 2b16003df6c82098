/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Maps the values of an object and keeps its keys. Anything but an object counts as empty. */
export function mapValues(value: Json | undefined, change: (value: Json, key: string) => Json): JsonObject {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]))
    : {};
}

/** Converts an object of a library to plain JSON, without symbols, functions and absent values. */
export function toJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value));
}
