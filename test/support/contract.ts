import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import facts from "../fixtures/contract.json" with { type: "json" };

/** Operation as the reference page describes it. */
export interface ContractOperation {
  method: string;
  /** Path with `:name` parameters, as on the page. */
  path: string;
  tag: string;
  summary: string | null;
  description: string;
  access: "public" | "user" | "admin";
  query?: JsonObject;
  body?: JsonObject;
  response: JsonObject;
}

export const contract = facts.operations as unknown as ContractOperation[];

export const operationName = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

/** Converts `/api/auth/banned/:id` to OpenAPI's `/api/auth/banned/{id}`. */
export const openApiPath = (path: string) => path.replace(/:(\w+)/g, "{$1}");

/** Returns the value at a path of a document, with references followed; undefined where there is none. */
export function valueAt(document: JsonObject, start: Json | undefined, ...keys: string[]): Json | undefined {
  let here = start;
  for (const key of keys) here = isObject(here) ? follow(document, here)[key] : undefined;
  return isObject(here) ? follow(document, here) : here;
}

function follow(document: JsonObject, value: JsonObject): JsonObject {
  if (typeof value.$ref !== "string") return value;
  const target = valueAt(document, document, ...value.$ref.slice(2).split("/"));
  return isObject(target) ? target : {};
}

/** Finds an operation in a document; null where it is missing. */
export function findPublishedOperation(
  document: JsonObject,
  { method, path }: { method: string; path: string },
): JsonObject | null {
  const operation = valueAt(document, document, "paths", openApiPath(path), method.toLowerCase());
  return isObject(operation) ? operation : null;
}

export function listProperties(schema: Json | undefined): [string, JsonObject][] {
  const properties = isObject(schema) ? schema.properties : undefined;
  return isObject(properties)
    ? Object.entries(properties).map(([name, value]) => [name, isObject(value) ? value : {}])
    : [];
}

export function listTypes(schema: JsonObject): string[] {
  if (schema.type === undefined && Array.isArray(schema.anyOf)) return schema.anyOf.filter(isObject).flatMap(listTypes);
  if (schema.type === undefined && "const" in schema) return [typeof schema.const];
  return [schema.type].flat().map(String);
}

/**
 * Lists how a published schema deviates from one of the contract. A request's number may be narrowed to an integer; a
 * response may have more fields, and may be null.
 */
export function differences(document: JsonObject, wanted: JsonObject, given: Json | undefined, where = ""): string[] {
  const found = valueAt(document, given);
  if (!isObject(found)) return [`${where || "it"} is not published`];
  const allowed = listTypes(wanted);
  const types = listTypes(found).filter(
    (type) => type !== "null" && !(type === "integer" && allowed.includes("number")),
  );
  const flaws = types.filter((type) => !allowed.includes(type)).map((type) => `${where} is ${type}, not ${allowed}`);
  if (listTypes(found).every((type) => type === "null")) flaws.push(`${where} is always null`);
  if (wanted.format !== undefined && found.format !== wanted.format) flaws.push(`${where} has no format`);
  const inside = wanted.items === undefined ? [] : differences(document, items(wanted), found.items, `${where}[]`);
  return [
    ...flaws,
    ...inside,
    ...listProperties(wanted).flatMap(([name, property]) =>
      differences(document, property, valueAt(document, found, "properties", name), where ? `${where}.${name}` : name),
    ),
  ];
}

function items({ items }: JsonObject): JsonObject {
  return isObject(items) ? items : {};
}
