import { isObject, type Json, type JsonObject, mapValues } from "../json.ts";

/** The keywords of JSON Schema 2020-12 and OpenAPI 3.1. Others (`$id`, `elysiaMeta`, `maxSize`…) are internal to TypeBox and Elysia. */
const keywords = new Set(
  (
    "$ref type enum const title description default deprecated readOnly writeOnly examples format contentEncoding contentMediaType " +
    "multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems " +
    "maxContains minContains maxProperties minProperties required dependentRequired discriminator xml externalDocs " +
    "properties patternProperties dependentSchemas allOf anyOf oneOf prefixItems not if then else items contains " +
    "additionalProperties propertyNames unevaluatedItems unevaluatedProperties"
  ).split(" "),
);
const named = new Set(["properties", "patternProperties", "dependentSchemas"]);
const listed = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const single = new Set(
  "not if then else items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties".split(
    " ",
  ),
);

/** JSON types of values that only JavaScript has. */
const wireTypes: Record<string, JsonObject> = {
  Date: { type: "string", format: "date-time" },
  Uint8Array: { type: "string", format: "binary" },
  RegExp: { type: "string" },
  bigint: { type: "integer" },
};

/** Formats under which Elysia offers a number, boolean, list or object of a query as text too. */
const textForms = new Set(["numeric", "integer", "boolean", "ObjectString", "ArrayString"]);

function isTextForm(member: JsonObject, meta: Json | undefined): boolean {
  return member.type === "string" && (textForms.has(String(member.format)) || meta === "ArrayQuery");
}

/** Replaces JavaScript types of TypeBox by JSON types. */
function toWireTypes(schema: JsonObject): JsonObject {
  const { type, anyOf, items, patternProperties, nullable, ...rest } = schema;
  const out = { ...schema };
  if (typeof type === "string") Object.assign(out, wireTypes[type]);
  if (nullable === true && typeof type === "string") out.type = [type, "null"];
  if (rest.format === "binary" || rest.elysiaMeta === "Files") delete out.default;
  if (typeof rest.$ref === "string" && /^\w+$/.test(rest.$ref)) out.$ref = `#/components/schemas/${rest.$ref}`;

  const anything = isObject(patternProperties) ? patternProperties["^(.*)$"] : undefined;
  if (anything !== undefined) {
    delete out.patternProperties;
    out.additionalProperties = anything;
  }
  if (Array.isArray(items)) {
    out.prefixItems = items;
    out.items = false;
  }
  if (Array.isArray(anyOf)) {
    const members = anyOf.filter(isObject);
    const foreign = members.map((member) => wireTypes[String(member.type)]).find((wire) => wire !== undefined);
    out.anyOf = foreign
      ? [foreign]
      : members.filter((member) => member.type !== "undefined" && !isTextForm(member, rest.elysiaMeta));
  }
  return out;
}

function getJsonType(value: Json | undefined): string {
  return value === null ? "null" : typeof value;
}

/** Shortens a union: constants become an enum, `X or null` a list of two types. */
function shorten(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf)) return schema;
  const members = anyOf.filter(isObject);
  const [first] = members;
  if (first && members.length === 1) return { ...first, ...rest };

  if (members.every((member) => "const" in member || member.type === "null")) {
    const values = members.map((member) => member.const ?? null);
    const [type = "null", ...others] = new Set(values.map(getJsonType));
    return { type: others.length > 0 ? [type, ...others] : type, enum: values, ...rest };
  }
  const [one, ...others] = members.filter((member) => member.type !== "null");
  if (one && others.length === 0 && typeof one.type === "string") {
    const either: JsonObject = { ...one, ...rest, type: [one.type, "null"] };
    if (Array.isArray(one.enum)) either.enum = [...one.enum, null];
    return either;
  }
  return schema;
}

/** Repairs a schema of Elysia into valid OpenAPI 3.1. */
export function normalizeSchema(given: Json): Json {
  if (!isObject(given)) return given;
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(toWireTypes(given))) {
    if (!keywords.has(key) && !key.startsWith("x-")) continue;
    if (named.has(key)) out[key] = mapValues(value, normalizeSchema);
    else if (listed.has(key) && Array.isArray(value)) out[key] = value.map(normalizeSchema);
    else if (single.has(key)) out[key] = normalizeSchema(value);
    else out[key] = value;
  }
  return shorten(out);
}
