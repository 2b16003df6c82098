import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import { valueAt } from "./contract.ts";

interface ReceivedResponse {
  status: number;
  /** Content type. */
  type: string;
  text: string;
}

/** Returns how a response breaks the description of its operation; null when it does not. */
export type ResponseValidator = (
  operation: { method: string; path: string },
  answer: ReceivedResponse,
) => string | null;

/** Validates responses against an OpenAPI document: status, content type, and body by JSON Schema 2020-12. */
export function createResponseValidator(document: JsonObject): ResponseValidator {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "document", ...document }, "document");
  const checks = new Map<string, ReturnType<typeof ajv.compile>>();

  const check = (pointer: string) => {
    const known = checks.get(pointer) ?? ajv.compile({ $ref: `document#${pointer}` });
    checks.set(pointer, known);
    return known;
  };

  return ({ method, path }, { status, type, text }) => {
    const place = ["paths", path, method.toLowerCase(), "responses", String(status)];
    const direct = pointerOf(place);
    const response = valueAt(document, document, ...place);
    if (!isObject(response)) return "an answer that the description does not mention";
    const told = Object.keys(isObject(response.content) ? response.content : {});
    if (told.length === 0) return text === "" ? null : "says more than the description does";
    const media = told.find((known) => type.startsWith(known));
    if (media === undefined) return `is ${type}, not ${told.join(" or ")}`;
    if (media !== "application/json") return null;
    const operation = valueAt(document, document, ...place.slice(0, -1));
    const reference = isObject(operation) ? operation[String(status)] : undefined;
    const from = isObject(reference) && typeof reference.$ref === "string" ? reference.$ref.slice(1) : direct;
    const validate = check(`${from}/content/application~1json/schema`);
    const body: Json = JSON.parse(text);
    if (validate(body)) return null;
    return `breaks its schema: ${ajv.errorsText(validate.errors?.slice(0, 3) ?? [], { dataVar: "" })}`;
  };
}

function pointerOf(keys: string[]): string {
  return keys.map((key) => `/${encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");
}
