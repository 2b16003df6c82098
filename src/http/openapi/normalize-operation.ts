import { isObject, type Json, type JsonObject, mapValues } from "../json.ts";
import { describeStatus, errorResponse } from "./error-responses.ts";
import { normalizeSchema } from "./normalize-schema.ts";

function normalizeParameter(given: JsonObject): JsonObject {
  if ("$ref" in given) return given;
  const { examples, schema, ...rest } = given;
  const own = isObject(schema) ? schema : {};
  // TypeBox lists examples, but a parameter's are a map; its schema's may be a list.
  if (Array.isArray(examples)) return { ...rest, schema: normalizeSchema({ ...own, examples }) };
  return { ...rest, ...(examples === undefined ? {} : { examples }), schema: normalizeSchema(own) };
}

/** Declares every parameter of the path, and no other path parameter, before the rest. */
export function normalizeParameters(given: Json | undefined, path: string): JsonObject[] {
  const declared = Array.isArray(given) ? given.filter(isObject).map(normalizeParameter) : [];
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]): JsonObject => {
    const own = declared.find((parameter) => parameter.in === "path" && parameter.name === name);
    return { name, in: "path", schema: { type: "string" }, ...own, required: true };
  });
  return [...inPath, ...declared.filter((parameter) => parameter.in !== "path")];
}

function normalizeMedia(given: Json): Json {
  return isObject(given) && given.schema !== undefined ? { ...given, schema: normalizeSchema(given.schema) } : given;
}

/** Lists the files of a form with the media types of each. */
function listFiles(schema: Json | undefined): JsonObject {
  const properties = isObject(schema) && isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const files = properties.flatMap(([name, field]): [string, JsonObject][] => {
    if (!isObject(field) || (field.format !== "binary" && field.elysiaMeta !== "Files")) return [];
    const types = [field.extension ?? "application/octet-stream"].flat().map(String);
    return [[name, { contentType: types.map((type) => (type.includes("/") ? type : `${type}/*`)).join(", ") }]];
  });
  return Object.fromEntries(files);
}

/** Keeps one content type of a body: Elysia publishes JSON, form and text where a route names none. A body with files is a form, any other JSON. */
export function normalizeBody(given: JsonObject): JsonObject {
  const content = isObject(given.content) ? given.content : {};
  const form = content["multipart/form-data"];
  const encoding = isObject(form) ? listFiles(form.schema) : {};
  if (isObject(form) && Object.keys(encoding).length > 0) {
    return {
      ...given,
      content: { "multipart/form-data": { ...form, schema: normalizeSchema(form.schema ?? {}), encoding } },
    };
  }
  const json = content["application/json"];
  if (form !== undefined && json !== undefined)
    return { ...given, content: { "application/json": normalizeMedia(json) } };
  return { ...given, content: mapValues(content, normalizeMedia) };
}

/** Keeps one content type of a response. No response is a form: where one is published, the route names no type, and Elysia sends strings as text and the rest as JSON. */
function normalizeContent(content: JsonObject, notes: JsonObject): JsonObject {
  const form = content["multipart/form-data"];
  if (!isObject(form) || !isObject(form.schema)) return mapValues(content, normalizeMedia);
  const type = form.schema.type === "string" ? "text/plain" : "application/json";
  return { [type]: { schema: normalizeSchema({ ...notes, ...form.schema }) } };
}

/** Repairs a response. An error in the shared schema becomes a reference to the shared response. */
export function normalizeResponse(given: Json, status: string): JsonObject {
  const response = isObject(given) ? given : {};
  const { $ref, description = describeStatus(status), headers, links, content, title, examples } = response;
  if ($ref !== undefined) return response;

  const [media] = Object.values(isObject(content) ? content : {});
  const schema = isObject(media) ? media.schema : undefined;
  const failure = errorResponse(status);
  if (failure && isObject(schema) && isObject(schema.properties) && "requestId" in schema.properties) return failure;

  const out: JsonObject = { description };
  if (headers !== undefined) out.headers = headers;
  if (links !== undefined) out.links = links;
  if (isObject(content)) {
    // Elysia moves these from the schema to the response, where OpenAPI does not allow them.
    const notes = { ...(title === undefined ? {} : { title }), ...(examples === undefined ? {} : { examples }) };
    out.content = normalizeContent(content, notes);
  }
  return out;
}
