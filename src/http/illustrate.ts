import { isObject, type Json, type JsonObject, mapValues } from "./json.ts";

/** What "Try it out" fills in for one operation, by the names of its parameters. */
export interface Example {
  parameters?: Record<string, string>;
  body?: Json;
}

/**
 * Returns a parameter as "Try it out" shall fill it in. One that may be left out is left out, unless the example names it:
 * Swagger UI would send what its schema merely shows.
 */
function parameterWith(parameter: Json, named: Record<string, string>): Json {
  if (!isObject(parameter)) return parameter;
  const example = named[String(parameter.name)];
  if (example !== undefined) return { ...parameter, example };
  if (parameter.required === true || !isObject(parameter.schema)) return parameter;
  const { examples: _, ...schema } = parameter.schema;
  return { ...parameter, schema };
}

/** Adds the example that a route names to its operation. */
export function illustrate(operation: JsonObject, { parameters = {}, body }: Example): JsonObject {
  const shown: JsonObject = { ...operation };
  if (Array.isArray(operation.parameters)) {
    shown.parameters = operation.parameters.map((parameter) => parameterWith(parameter, parameters));
  }
  const { requestBody } = operation;
  if (body !== undefined && isObject(requestBody)) {
    const content = mapValues(requestBody.content, (media) => (isObject(media) ? { ...media, example: body } : media));
    shown.requestBody = { ...requestBody, content };
  }
  return shown;
}
