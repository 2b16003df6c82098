import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import {
  type ContractOperation,
  contract,
  differences,
  findPublishedOperation,
  listProperties,
  openApiPath,
  operationName,
  valueAt,
} from "../support/contract.ts";
import { type Service, startService } from "../support/service.ts";

// Compare the 23 operations of the reference page, as fixtures/contract.json has them, with the published OpenAPI
// document.

let service: Service;
let document: JsonObject;
beforeAll(async () => {
  service = await startService();
  document = (await service.api<JsonObject>("GET", "/swagger/json")).body;
});
afterAll(() => service.remove());

const operationOf = (fact: ContractOperation): JsonObject => {
  const operation = findPublishedOperation(document, fact);
  if (operation === null) throw new Error(`${operationName(fact)} is not published`);
  return operation;
};
const mediaOf = (fact: ContractOperation) =>
  valueAt(document, operationOf(fact), "requestBody", "content", "application/json");
const bodyOf = (fact: ContractOperation) => valueAt(document, mediaOf(fact), "schema");
const required = (schema: unknown) =>
  isObject(schema as JsonObject) ? ((schema as JsonObject).required ?? []) : undefined;

test("reference contract: fixtures/contract.json has 23 different operations", () => {
  expect(contract).toHaveLength(23);
  expect(new Set(contract.map(operationName)).size).toBe(23);
});

test("OpenAPI document: the operations of the reference contract come first, in the contract's order of tags and operations", () => {
  const names = (value: Json | undefined) =>
    (Array.isArray(value) ? value : []).map((tag) => valueAt(document, tag, "name"));
  expect(names(document.tags).slice(0, 3)).toEqual(["Auth", "Campaigns", "Health"]);
  const paths = isObject(document.paths) ? document.paths : {};
  const listed = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(isObject(item) ? item : {}).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const wanted = contract.map(({ method, path }) => `${method} ${openApiPath(path)}`);
  expect(listed.slice(0, wanted.length)).toEqual(wanted);
});

describe.each(contract.map((fact) => [operationName(fact), fact] as const))("OpenAPI document: %s", (_, fact) => {
  test("the operation has the contract's tag, summary, description and access level", () => {
    const { tags, summary, description, "x-access": access, security } = operationOf(fact);
    expect(tags).toEqual([fact.tag]);
    if (fact.summary !== null) expect(summary).toBe(fact.summary);
    expect(summary).toBeString();
    expect(description).toContain(fact.description);
    expect(access).toBe(fact.access);
    expect(security).toEqual(fact.access === "public" ? [] : undefined);
  });

  test("the operation has the contract's query parameters, each optional, and its required path parameters", () => {
    const { parameters = [] } = operationOf(fact);
    const query = (Array.isArray(parameters) ? parameters : []).filter(isObject).filter((one) => one.in === "query");
    for (const [name, wanted] of listProperties(fact.query)) {
      const given = query.find((one) => one.name === name);
      expect(given?.required ?? false).toBe(false);
      expect(differences(document, wanted, given?.schema, name)).toEqual([]);
      expect(valueAt(document, given?.schema, "enum")).toEqual(wanted.enum);
    }
    for (const name of fact.path.match(/(?<=:)\w+/g) ?? []) {
      expect(parameters).toContainEqual(expect.objectContaining({ name, in: "path", required: true }));
    }
  });

  test("the request body has the contract's fields, types, enums, bounds and required fields", () => {
    if (fact.body === undefined) {
      if (fact.path.endsWith("/upload-profile-image")) {
        const form = valueAt(document, operationOf(fact), "requestBody", "content", "multipart/form-data");
        expect(form).toBeDefined();
      } else expect(operationOf(fact).requestBody).toBeUndefined();
      return;
    }
    const schema = bodyOf(fact);
    expect(differences(document, fact.body, schema)).toEqual([]);
    expect(required(schema)).toEqual(fact.body.required ?? []);
    for (const [name, wanted] of listProperties(fact.body)) {
      const given = valueAt(document, schema, "properties", name);
      for (const bound of ["enum", "minimum"] as const) {
        if (wanted[bound] !== undefined) expect(valueAt(document, given, bound)).toEqual(wanted[bound]);
      }
      if (wanted.maximum !== undefined) expect(valueAt(document, given, "maximum")).toEqual(wanted.maximum);
      const nullable = Array.isArray(wanted.type) && wanted.type.includes("null");
      expect([valueAt(document, given, "type")].flat().includes("null")).toBe(nullable);
    }
  });

  test("the 200 response has every field of the contract", () => {
    const schema = valueAt(document, operationOf(fact), "responses", "200", "content", "application/json", "schema");
    expect(differences(document, fact.response, schema)).toEqual([]);
  });

  test("the operation lists the error responses common to its access level and input", () => {
    const statuses = Object.keys(
      isObject(operationOf(fact).responses ?? null) ? (operationOf(fact).responses as object) : {},
    );
    const shared = [...(fact.access === "public" ? [] : ["401", "403"]), ...(fact.query || fact.body ? ["422"] : [])];
    expect(statuses).toEqual(expect.arrayContaining([...shared, "429", "500"]));
  });
});
