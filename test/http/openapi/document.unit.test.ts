import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { isObject, type Json, type JsonObject } from "../../../src/http/json.ts";
import { errorHandler } from "../../../src/http/middleware/errors.ts";
import { errorComponents, errorResponse } from "../../../src/http/openapi/error-responses.ts";
import { ErrorBody } from "../../../src/http/schemas.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { AppError } from "../../../src/lib/errors.ts";
import { createLog } from "../../../src/lib/logger.ts";
import { COOKIE_PREFIX } from "../../../src/modules/identity/credential.ts";
import { createSampleApp } from "./sample-app.ts";

async function read(app: { handle(request: Request): Response | Promise<Response> }): Promise<JsonObject> {
  const response = await app.handle(new Request("http://localhost/swagger/json"));
  expect(response.status).toBe(200);
  return response.json() as Promise<JsonObject>;
}

/** Returns the value at a path, as in `at(document, "paths", "/api/things", "post")`, or null if there is none. */
function at(value: Json, ...keys: string[]): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  const next = isObject(value) ? value[key] : Array.isArray(value) ? value[Number(key)] : undefined;
  return next === undefined ? null : at(next, ...rest);
}

/** Yields every object in a value, including the value itself. */
function* objectsIn(value: Json): Generator<JsonObject> {
  if (isObject(value)) yield value;
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) yield* objectsIn(inner);
}

function entriesOf(value: Json): [string, Json][] {
  return isObject(value) ? Object.entries(value) : [];
}

function operationsOf(document: JsonObject): [string, JsonObject][] {
  return entriesOf(at(document, "paths")).flatMap(([path, item]) =>
    entriesOf(item).map(([, operation]): [string, JsonObject] => [path, isObject(operation) ? operation : {}]),
  );
}

const document = await read(createSampleApp());
const thing = (...keys: string[]) => at(document, "paths", "/api/things", "post", ...keys);
const property = (name: string) => thing("requestBody", "content", "application/json", "schema", "properties", name);

describe("OpenAPI document", () => {
  test("the version is 3.1.1, and the paths are the operations without the documentation's own routes", () => {
    expect(document.openapi).toBe("3.1.1");
    expect(document.info).toMatchObject({ title: "Reprise", version: "1.2.3" });
    expect(at(document, "servers", "0", "url")).toBe("https://mail.example.org");
    expect(Object.keys(document.paths ?? {}).sort()).toEqual([
      "/api/health",
      "/api/open",
      "/api/things",
      "/api/things/{id}/find-parts/{part}",
      "/api/upload-picture",
      "/api/upload_picture",
    ]);
    const tags = Array.isArray(document.tags) ? document.tags.map((tag) => at(tag, "name")) : [];
    expect(tags.join(" ")).toBe("Auth Campaigns Health Brands Senders Contacts Conversations Credits Payments");
  });

  test("references resolve, operation ids are unique, and path parameters match their paths", () => {
    for (const { $ref } of objectsIn(document)) {
      if (typeof $ref === "string") expect(at(document, ...$ref.replace("#/", "").split("/"))).not.toBeNull();
    }
    const operations = operationsOf(document);
    const ids = operations.map(([, { operationId }]) => String(operationId));
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, { operationId, summary, parameters, responses }] of operations) {
      expect(operationId).toMatch(/^[a-z]\w+$/);
      expect(summary).toMatch(/^\S.+/);
      const inPath = (Array.isArray(parameters) ? parameters : []).filter(
        (parameter) => at(parameter, "in") === "path",
      );
      expect(inPath.map((parameter) => `{${at(parameter, "name")}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const response of Object.values(responses ?? {})) {
        expect(at(response, "description") ?? at(response, "$ref")).toBeString();
      }
    }
  });

  test("only types and keywords of JSON Schema are used", () => {
    const known = new Set(["string", "number", "integer", "boolean", "object", "array", "null", "http", "apiKey"]);
    for (const object of objectsIn(document)) {
      for (const type of [object.type ?? []].flat()) if (!isObject(type)) expect(known).toContain(String(type));
      for (const key of ["$id", "nullable", "elysiaMeta", "extension", "maxSize"])
        expect(object).not.toHaveProperty(key);
    }
  });

  test.each([
    ["name", { type: "string", examples: ["Ada"] }],
    ["owner", { type: ["string", "null"] }],
    ["limit", { type: ["integer", "null"], minimum: 1 }],
    ["state", { type: ["string", "null"], enum: ["ON", "OFF", null] }],
    ["note", { type: ["string", "null"] }],
    ["since", { type: "string", format: "date-time" }],
    ["tags", { type: "object", additionalProperties: { type: "number" } }],
    [
      "span",
      { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false, minItems: 2, maxItems: 2 },
    ],
    ["parent", { anyOf: [{ $ref: "#/components/schemas/Parent" }, { type: "null" }] }],
  ])("the property %s has the expected schema", (name, schema) => {
    expect(property(name)).toEqual(schema);
  });

  test("query parameters have the types of their values, not string", () => {
    expect(thing("parameters")).toEqual([
      { name: "page", in: "query", required: false, schema: { type: "integer", minimum: 1, default: 1 } },
      { name: "deep", in: "query", required: false, schema: { type: "boolean" } },
      {
        name: "kind",
        in: "query",
        required: false,
        description: "Which",
        schema: { type: "string", enum: ["a", "b"] },
      },
      { name: "ids", in: "query", required: false, schema: { type: "array", items: { type: "string" } } },
    ]);
  });

  test("every path parameter is declared, with its example", () => {
    const path = ["paths", "/api/things/{id}/find-parts/{part}", "delete"];
    expect(at(document, ...path, "parameters")).toEqual([
      { name: "id", in: "path", required: true, description: "Its id", schema: { type: "string", examples: ["t1"] } },
      { name: "part", in: "path", required: true, schema: { type: "string" } },
    ]);
    expect(at(document, ...path, "operationId")).toBe("removePart");
  });

  test.each(["/api/upload-picture", "/api/upload_picture"])("a file upload is a multipart form: %s", (path) => {
    const operation = at(document, "paths", path, "post");
    const file = { type: "string", format: "binary" };
    expect(at(operation, "requestBody", "content")).toEqual({
      "multipart/form-data": {
        schema: { type: "object", properties: { file, image: { type: "array", items: file } } },
        encoding: {
          file: { contentType: "image/png, image/webp" },
          image: { contentType: "application/octet-stream" },
        },
      },
    });
    expect(Object.keys(at(operation, "responses", "200", "content") ?? {})).toEqual(["application/json"]);
    expect(Object.keys(at(operation, "responses") ?? {})).toContain("413");
  });

  test("every success response has one content type", () => {
    expect(Object.keys(thing("responses", "201", "content") ?? {})).toEqual(["application/json"]);
    expect(thing("responses", "201", "content", "application/json", "schema", "items", "title")).toBe("A thing");
    expect(thing("responses", "204")).toEqual({ description: "Done; no content." });
    expect(at(document, "paths", "/api/health", "get", "responses", "200", "content")).toEqual({
      "text/plain": { schema: { type: "string" } },
    });
  });

  test("error responses are references, also those that a route adds", () => {
    const failures = Object.entries(thing("responses") ?? {}).filter(([status]) => Number(status) >= 400);
    expect(failures.map(([status]) => status)).toEqual([
      "400",
      "401",
      "402",
      "403",
      "404",
      "409",
      "413",
      "422",
      "429",
      "500",
    ]);
    for (const [status, failure] of failures) expect(failure).toEqual(errorResponse(status));
    expect(at(document, "components", "schemas", "ErrorBody", "required")).toEqual(
      Object.keys(ErrorBody.properties).slice(0, 4),
    );
    expect(
      at(document, "paths", "/api/health", "get", "responses", "503", "content", "application/json"),
    ).not.toBeNull();
  });

  test("every operation that is not public requires authentication and says who may call it", () => {
    expect(document.security).toEqual([{ bearerAuth: [] }, { apiKey: [] }, { cookie: [] }]);
    expect(thing("security")).toBeNull();
    expect(thing("summary")).toBe("Makes a thing");
    expect(thing("description")).toBe("Makes a thing. Then it is there. For admins only.");
    for (const path of ["/api/health", "/api/open"]) {
      expect(at(document, "paths", path, "get", "security")).toEqual([]);
      expect(Object.keys(at(document, "paths", path, "get", "responses") ?? {})).not.toContain("401");
    }
  });

  test("the cookie scheme has the name of the session cookie, with the __Host- prefix on https", async () => {
    const cookie = ["components", "securitySchemes", "cookie", "name"];
    expect(at(document, ...cookie)).toBe(`__Host-${COOKIE_PREFIX}.session_token`);
    expect(at(await read(createSampleApp("http://localhost:3000")), ...cookie)).toBe(`${COOKIE_PREFIX}.session_token`);
  });

  test("each error response has the status that the app returns for its error code", async () => {
    for (const [name, response] of Object.entries(errorComponents.responses)) {
      const code = at(response, "content", "application/json", "example", "code");
      const app = new Elysia().use(errorHandler(createLog("silent", systemClock))).get("/", () => {
        throw code === "INTERNAL" ? new Error("bug") : new AppError(code as AppError["code"], "no");
      });
      const answer = await app.handle(new Request("http://localhost/"));
      expect(await answer.json()).toMatchObject({ code });
      expect(errorResponse(String(answer.status))).toEqual({ $ref: `#/components/responses/${name}` });
    }
  });
});
