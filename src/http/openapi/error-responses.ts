import type { ErrorCode } from "../../lib/errors.ts";
import { type JsonObject, toJson } from "../json.ts";
import { ErrorBody } from "../schemas.ts";
import { normalizeSchema } from "./normalize-schema.ts";

/** Documents each error code: its status, a description and an example message. */
const ERROR_TEXTS: Record<
  Exclude<ErrorCode, "REAUTHENTICATION_REQUIRED"> | "INTERNAL",
  { status: number; description: string; message: string }
> = {
  MALFORMED: {
    status: 400,
    description: "The request is not well formed.",
    message: "The body could not be read: expected valid JSON",
  },
  UNAUTHENTICATED: {
    status: 401,
    description: "The request has no valid credential.",
    message: "Sign in first: send a session cookie, a bearer token or an API key",
  },
  INSUFFICIENT_CREDITS: {
    status: 402,
    description: "The brand has too few credits.",
    message: "The brand has too few credits: 12.5 are missing",
  },
  FORBIDDEN: {
    status: 403,
    description:
      "The principal may not do this. With the code REAUTHENTICATION_REQUIRED: give the password again first (`/api/auth/reauthenticate`).",
    message: "This is for admins only",
  },
  NOT_FOUND: {
    status: 404,
    description: "The named resource does not exist.",
    message: 'Brand "019a8a3e-5a00-7000-8000-000000000001" was not found',
  },
  TIMEOUT: {
    status: 408,
    description: "The body did not arrive in time.",
    message: "The body did not arrive in time: send it faster, or in smaller parts",
  },
  CONFLICT: {
    status: 409,
    description: "The current state does not allow the operation.",
    message: "This phone number is in use already",
  },
  TOO_LARGE: { status: 413, description: "The body is too large.", message: "The image is larger than 5 MB" },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    description: "The content type is not supported.",
    message: "Expected a PNG, JPEG or WebP image",
  },
  INVALID: {
    status: 422,
    description: "A field has an invalid value; `details` names it.",
    message: "limit: expected a whole number from 1 to 100",
  },
  RATE_LIMITED: {
    status: 429,
    description: "Too many requests; try again after `Retry-After` seconds.",
    message: "Too many requests: try again in 30 seconds",
  },
  INTERNAL: {
    status: 500,
    description: "An internal error.",
    message: "Internal error: quote the requestId when you report it",
  },
  UNAVAILABLE: {
    status: 503,
    description: "The database or another dependency is unavailable; try again later.",
    message: "The database cannot be reached; try again",
  },
};

const names = new Map<string, string>();
const descriptions = new Map([
  ["200", "Done."],
  ["201", "Created."],
  ["202", "Accepted; processed later."],
  ["204", "Done; no content."],
]);
const responses: JsonObject = {};
for (const [code, { status, description, message }] of Object.entries(ERROR_TEXTS)) {
  const name = code.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  const example: JsonObject = { success: false, message, code, requestId: "5f0c1f0e-6c1b-4a43-9d0a-1f7f3a1c2b3d" };
  if (code === "INVALID") example.details = [{ field: "limit", message: "expected a whole number from 1 to 100" }];
  names.set(String(status), name);
  descriptions.set(String(status), description);
  responses[name] = {
    description,
    ...(status === 429 || status === 503
      ? { headers: { "Retry-After": { description: "Seconds to wait.", schema: { type: "integer" } } } }
      : {}),
    content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorBody" }, example } },
  };
}

/** Components that all operations share: the schema of an error, and one response for each status. */
export const errorComponents: { schemas: JsonObject; responses: JsonObject } = {
  schemas: { ErrorBody: normalizeSchema(toJson(ErrorBody)) },
  responses,
};

/** Returns a reference to the shared response for a status; null for a status without one. */
export function errorResponse(status: string): JsonObject | null {
  const name = names.get(status);
  return name === undefined ? null : { $ref: `#/components/responses/${name}` };
}

/** Describes a status, for routes that give no description of their own. */
export function describeStatus(status: string): string {
  return descriptions.get(status) ?? "Answer.";
}
