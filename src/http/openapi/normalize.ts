import { isObject, type Json, type JsonObject, mapValues } from "../json.ts";
import { addExample, type Example } from "./add-example.ts";
import { errorComponents, errorResponse } from "./error-responses.ts";
import { normalizeBody, normalizeParameters, normalizeResponse } from "./normalize-operation.ts";
import { normalizeSchema } from "./normalize-schema.ts";

function words(text: string): string[] {
  return text.split(/[^A-Za-z0-9]+/).filter(Boolean);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Derives the name of the function in a generated client: `post /api/brands/{id}/mail-boxes` →
 * `postApiBrandsByIdMailBoxes`.
 */
function toOperationId(method: string, path: string): string {
  return method + words(path.replaceAll("{", "by-")).map(capitalized).join("");
}

/** Returns the first sentence of the description if it is short, else the last words of the path. */
function toSummary(description: Json | undefined, path: string): string {
  const [sentence = ""] = typeof description === "string" ? description.split(/(?<=[.!?])\s|\n/) : [];
  if (sentence && sentence.length <= 80) return sentence.replace(/\.$/, "");
  const last = path.split("/").findLast((part) => part && !part.startsWith("{")) ?? "index";
  return capitalized(words(last).join(" "));
}

/** Adds to a description that the operation is for admins only. */
function addAccess(description: Json | undefined, access: Json | undefined): Json | undefined {
  if (access !== "admin" || (typeof description === "string" && /\badmin/i.test(description))) return description;
  return description === undefined ? "For admins only." : `${description} For admins only.`;
}

/** Lists the error statuses that follow from the inputs of an operation. */
function errorStatuses(method: string, open: boolean, takesInput: boolean, isForm: boolean): string[] {
  return [
    ...(open ? [] : ["401", "403"]),
    // The size of a body is checked before it is known whether the route takes one.
    ...(takesInput || method !== "get" ? ["400", "413"] : []),
    // Unknown query parameters are checked too.
    ...(takesInput || method !== "get" || !open ? ["422"] : []),
    ...(takesInput ? ["404"] : []),
    ...(takesInput && method !== "get" ? ["409"] : []),
    ...(isForm ? ["415"] : []),
    "429",
    "500",
  ];
}

const idempotencyKey: JsonObject = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "Makes a retry safe: the same request under the same key is done once, and its response is replayed (with `idempotent-replayed: true`) for seven days. Another request under the key: 409.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

/** Credentials of an operation that rejects API keys, by the names of `securitySchemes` (docs.ts). */
const SESSION_SECURITY = [{ bearerAuth: [] }, { cookie: [] }];

function normalizeOperation(
  given: JsonObject,
  method: string,
  path: string,
  isTaken: (operationId: string) => boolean,
): JsonObject {
  const {
    access,
    idempotent,
    sessionOnly,
    recentSignIn,
    limit: _class,
    hide: _,
    // The limit of the body is not published.
    body: _body,
    inputLimits: _inputLimits,
    example,
    parameters,
    requestBody,
    responses,
    operationId,
    summary,
    description,
    ...rest
  } = given;
  const open = access === "public" || (Array.isArray(given.security) && given.security.length === 0);
  const inputs = normalizeParameters(parameters, path);
  const shownInputs = idempotent === true ? [...inputs, idempotencyKey] : inputs;
  const body = isObject(requestBody) ? normalizeBody(requestBody) : null;
  const told = addAccess(description, access);
  const isForm = isObject(body?.content) && "multipart/form-data" in body.content;

  const answers = mapValues(responses, normalizeResponse);
  if (Object.keys(answers).length === 0) answers["200"] = normalizeResponse(null, "200");
  for (const status of errorStatuses(method, open, inputs.length > 0 || body !== null, isForm)) {
    const failure = errorResponse(status);
    if (failure) answers[status] ??= failure;
  }

  // Elysia's own ids carry the hyphens of the path, which no language allows in a name.
  const wanted =
    typeof operationId === "string" && /^\w+$/.test(operationId) ? operationId : toOperationId(method, path);
  let unique = wanted;
  for (let next = 2; isTaken(unique); next++) unique = `${wanted}${next}`;

  const operation: JsonObject = {
    ...rest,
    operationId: unique,
    summary: summary ?? toSummary(description, path),
    ...(told === undefined ? {} : { description: told }),
    ...(open ? { security: [] } : {}),
    ...(sessionOnly === true || recentSignIn === true ? { security: SESSION_SECURITY } : {}),
    ...(access === undefined ? {} : { "x-access": access }),
    ...(shownInputs.length > 0 ? { parameters: shownInputs } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: answers,
  };
  return addExample(operation, (example ?? {}) as Example);
}

/** Returns the shared error responses that some operation refers to. */
function usedResponses(paths: JsonObject): JsonObject {
  const said = JSON.stringify(paths);
  const used = Object.entries(errorComponents.responses).filter(([name]) =>
    said.includes(JSON.stringify(`#/components/responses/${name}`)),
  );
  return Object.fromEntries(used);
}

/** Repairs the document of Elysia into valid OpenAPI 3.1, and adds to each operation the shared error responses. */
export function normalizeDocument(document: JsonObject): JsonObject {
  const taken = new Set<string>();
  const isTaken = (operationId: string) => taken.size === taken.add(operationId).size;
  const components = isObject(document.components) ? document.components : {};
  const paths: JsonObject = {};
  for (const [given, item] of Object.entries(isObject(document.paths) ? document.paths : {})) {
    // A prefix and "/" make `/api/brands/`, which Elysia also answers without the slash.
    const path = given.replace(/:(\w+)\??/g, "{$1}").replace(/(?<=.)\/$/, "");
    const operations = mapValues(item, (operation, method) =>
      isObject(operation) ? normalizeOperation(operation, method, path, isTaken) : operation,
    );
    paths[path] = { ...(isObject(paths[path]) ? paths[path] : {}), ...operations };
  }
  return {
    ...document,
    paths,
    components: {
      ...components,
      schemas: { ...mapValues(components.schemas, normalizeSchema), ...errorComponents.schemas },
      responses: { ...mapValues(components.responses, (response) => response), ...usedResponses(paths) },
    },
  };
}
