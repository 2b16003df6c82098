import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import type { Random } from "../../src/lib/random.ts";

/** Operation of an OpenAPI document. */
export interface ApiOperation {
  method: string;
  /** Path with `{name}` parameters. */
  path: string;
  query: JsonObject[];
  /** Media type and schema of the body; null without one. */
  body: { type: string; schema: JsonObject } | null;
}

/** Lists the operations of an OpenAPI document. */
export function listOperations(document: JsonObject): ApiOperation[] {
  return entries(document.paths).flatMap(([path, methods]) =>
    entries(methods).map(([method, operation]) => {
      const { parameters, requestBody } = isObject(operation) ? operation : {};
      const content = isObject(requestBody) ? requestBody.content : undefined;
      const [media] = entries(content);
      return {
        method: method.toUpperCase(),
        path,
        query: (Array.isArray(parameters) ? parameters.filter(isObject) : []).filter((given) => given.in === "query"),
        body: media ? { type: media[0], schema: objectIn(objectIn(media[1]).schema) } : null,
      };
    }),
  );
}

/** Returns the id of a resource of a kind, such as `campaigns`. */
export type IdLookup = (kind: string) => string;

/** Draws a value that fits a schema. */
export function sampleValue(schema: Json | undefined, random: Random, idOf: IdLookup, name = ""): Json {
  const given = objectIn(schema);
  if (/(^i|I)ds?$/.test(name) && given.type === "string") return idOf(kindOf(name));
  const choices = [given.anyOf, given.oneOf, given.enum, given.examples].find(Array.isArray);
  if (given.const !== undefined) return given.const;
  if (choices === given.anyOf || choices === given.oneOf) {
    if (choices) return sampleValue(pickRandom(choices, random), random, idOf, name);
  } else if (choices) return pickRandom(choices, random);
  if (Array.isArray(given.allOf)) {
    return Object.assign({}, ...given.allOf.map((part) => sampleValue(part, random, idOf, name)));
  }
  switch (given.type) {
    case "object":
      return Object.fromEntries(
        entries(given.properties)
          .filter(([key]) => (Array.isArray(given.required) && given.required.includes(key)) || random() < 0.6)
          .map(([key, inner]) => [key, sampleValue(inner, random, idOf, key)]),
      );
    case "array":
      return [sampleValue(given.items, random, idOf, name)];
    case "integer":
    case "number":
      return typeof given.minimum === "number" ? given.minimum : 1;
    case "boolean":
      return random() < 0.5;
    case "null":
      return null;
    default:
      return stringFor(given.format, random);
  }
}

/** Returns the kind of resource that a field names: `email-accounts` for `emailAccountIds`. */
function kindOf(name: string): string {
  return `${name.replace(/Ids?$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}s`;
}

export function pickRandom<Item>(items: readonly Item[], random: Random): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function stringFor(format: Json | undefined, random: Random): string {
  if (format === "email") return `x${Math.floor(random() * 1e9)}@example.com`;
  return format === "date-time" ? "2030-01-01T00:00:00.000Z" : "xxxxxxxxxx";
}

function objectIn(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function entries(value: Json | undefined): [string, Json][] {
  return Object.entries(objectIn(value));
}
