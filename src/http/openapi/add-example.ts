import { isObject, type Json, type JsonObject, mapValues } from "../json.ts";

/** Values that "Try it out" fills in for one operation: parameters by name, and the body. */
export interface Example {
  parameters?: Record<string, string>;
  body?: Json;
}

/**
 * Sets the example of a parameter. An optional one that the example does not name loses the examples of its schema: Swagger UI
 * would send them.
 */
function exampleParameter(parameter: Json, named: Record<string, string>): Json {
  if (!isObject(parameter)) return parameter;
  const example = named[String(parameter.name)];
  if (example !== undefined) return { ...parameter, example };
  if (parameter.required === true || !isObject(parameter.schema)) return parameter;
  const { examples: _, ...schema } = parameter.schema;
  return { ...parameter, schema };
}

/** Adds the example of a route to its operation. */
export function addExample(operation: JsonObject, { parameters = {}, body }: Example): JsonObject {
  const shown: JsonObject = { ...operation };
  if (Array.isArray(operation.parameters)) {
    shown.parameters = operation.parameters.map((parameter) => exampleParameter(parameter, parameters));
  }
  const { requestBody } = operation;
  if (body !== undefined && isObject(requestBody)) {
    const content = mapValues(requestBody.content, (media) => (isObject(media) ? { ...media, example: body } : media));
    shown.requestBody = { ...requestBody, content };
  }
  return shown;
}
