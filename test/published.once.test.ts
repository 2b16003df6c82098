import { afterAll, beforeAll, expect, test } from "bun:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { JsonObject } from "../src/http/json.ts";
import { startApp, type TestApp } from "./support/app.ts";

// The description of the whole API, judged by two programs that other people wrote.

/** What the strictest rules ask for and we do not give. */
const NOT_OURS = {
  // `/api/campaigns/conversations` beside `/api/campaigns/{id}`: "concrete definitions are matched before their
  // templated counterparts", says OpenAPI, and so does our router. No id is named like a word.
  "no-ambiguous-paths": "off",
} as const;

let app: TestApp;
let source: string;
beforeAll(async () => {
  app = await startApp({ config: { publicUrl: "https://mail.northwind.test" } });
  const answer = await app.app.handle(new Request("http://localhost/swagger/json"));
  source = await answer.text();
});
afterAll(() => app.close());

test("it is OpenAPI 3.1, by the schema of that version", async () => {
  const validator = new Validator({ strict: false });
  expect(await validator.validate(JSON.parse(source))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("the strictest linter finds neither an error nor a warning", async () => {
  const config = await createConfig({ extends: ["recommended-strict"], rules: NOT_OURS });
  const problems = await lintFromString({ source, config, absoluteRef: "/openapi.json" });
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
});

test("every operation has a summary, a description and an id of its own", () => {
  const { paths } = JSON.parse(source) as { paths: Record<string, Record<string, JsonObject>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
  ) as ({ name: string } & JsonObject)[];
  const without = (field: string) => operations.filter((one) => !one[field]).map(({ name }) => name);
  for (const field of ["summary", "description", "operationId", "tags", "x-access"]) {
    expect([field, without(field)]).toEqual([field, []]);
  }
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});
