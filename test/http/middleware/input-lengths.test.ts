import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { FormatRegistry } from "@sinclair/typebox";
import { isEmail, MAX_FORMATTED_CHARS } from "../../../src/http/formats.ts";
import { SCAN_SLICE_BYTES, scanJson } from "../../../src/http/json-scan.ts";
import {
  createLengthCheck,
  MAX_FORMATTED_TEXT_CHARS,
  maxTextLength,
} from "../../../src/http/middleware/input-lengths.ts";
import { createPolicyFinder } from "../../../src/http/route-policies.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { countMatchSteps } from "./pattern-steps.ts";
import { bodyWithText, largestJsonBytes, schemaOf, type TextField, textFields } from "./request-schemas.ts";

// Check the length of a text before any pattern sees it, and the steps of each pattern per character. Count everything:
// no assertion depends on the speed of the machine.

let world: TestApp;
let app: TestApp["app"];
let fields: TextField[];
let token: string;

beforeAll(async () => {
  world = await startApp();
  app = world.app;
  fields = textFields(app.routes);
  token = await world.admin();
});
afterAll(() => world.close());

const named = ({ route, part, field }: TextField) => `${route} ${part} ${field}`;

describe("text fields of requests", () => {
  test("every text field has a maximum length", () => {
    expect(fields.length).toBeGreaterThan(150);
    expect(fields.filter(({ schema }) => maxTextLength(schema) === null).map(named)).toEqual([]);
  });

  test("every path parameter has a schema", () => {
    const names = app.routes.flatMap((route) =>
      [...route.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({ route, name })),
    );
    const free = names.filter(({ route, name }) => !schemaOf(route, "params")?.properties?.[name]);
    expect(free.map(({ route, name }) => `${route.method} ${route.path} ${name}`)).toEqual([]);
  });

  test("a text that is too long is found before its form is checked, in every field", () => {
    const missed = fields.filter(({ route, part, field, schema }) => {
      const own = app.routes.find(({ method, path }) => `${method} ${path}` === route);
      const whole = own && schemaOf(own, part);
      // Another variant of the same field may allow more.
      const most = Math.max(
        ...fields
          .filter((other) => other.route === route && other.part === part && other.field === field)
          .map((other) => maxTextLength(other.schema) ?? 0),
      );
      const check = whole && createLengthCheck(whole);
      const violation = check?.(bodyWithText(field, "a".repeat(most + 1)), "");
      return (
        violation?.field !== field || check?.(bodyWithText(field, "a".repeat(maxTextLength(schema) ?? 0)), "") !== null
      );
    });
    expect(missed.map(named)).toEqual([]);
  });

  test("a text as large as the body limit answers 422 before any pattern or format is applied", async () => {
    const planOf = createPolicyFinder(() => app.routes);
    const matched = fields.filter(({ schema, part }) => part === "body" && (schema.pattern ?? schema.format));
    expect(matched.length).toBeGreaterThan(40);
    const wrong: string[] = [];
    for (const given of matched) {
      const [method = "", path = ""] = given.route.split(" ");
      const limit = planOf(method, path).bodyLimit;
      const text = "a.".repeat(Number(limit)).slice(0, Number(limit) - 300);
      const body = JSON.stringify(bodyWithText(given.field, text));
      let seen = 0;
      // Ignore the texts that Elysia itself matches while it prepares a route.
      const note = (value: unknown) => {
        if (String(value).startsWith("a.a.")) seen = Math.max(seen, String(value).length);
      };
      const originalTest = RegExp.prototype.test;
      const spy = spyOn(RegExp.prototype, "test").mockImplementation(function (this: RegExp, value: string) {
        note(value);
        return originalTest.call(this, value);
      });
      const formats = [...FormatRegistry.Entries()];
      for (const [name, check] of formats) {
        FormatRegistry.Set(name, (value) => {
          note(value);
          return check(value);
        });
      }
      const request = new Request(`http://localhost${path.replace(/:\w+/g, "x")}`, {
        method,
        body,
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "content-length": String(body.length),
        },
      });
      const answer = await app.handle(request);
      spy.mockRestore();
      for (const [name, check] of formats) FormatRegistry.Set(name, check);
      if (answer.status !== 422 || seen > 0) wrong.push(`${named(given)}: ${answer.status}, ${seen} characters seen`);
    }
    expect(wrong).toEqual([]);
  });
});

describe("patterns of request fields", () => {
  /** Builds texts that match for long and then fail, the worst case of a pattern that is not linear. */
  const worst = (length: number) =>
    ["a", " ", "a ", "0", "a.", "\u0001", "\u00a0"].flatMap((piece) => {
      const text = piece.repeat(length).slice(0, length);
      return [text, `${text}\u0001`, `\u0001${text}`, `${text}!`, `${text}\u0001\u0001`];
    });
  const most = (pattern: string, length: number) =>
    Math.max(...worst(length).map((text) => countMatchSteps(pattern, text)));

  test("each pattern takes a few steps per character, and twice as many for twice the length", () => {
    const patterns = new Map(
      fields.flatMap(({ schema }) => (schema.pattern ? [[schema.pattern, schema.maxLength ?? 0]] : [])),
    );
    expect(patterns.size).toBeGreaterThan(1);
    for (const [pattern] of patterns) {
      const [once, twice] = [most(pattern, 500), most(pattern, 1000)];
      expect([pattern, twice / once < 2.1, twice < 6 * 1000]).toEqual([pattern, true, true]);
    }
  });

  test("a pattern that is not linear exceeds the allowed ratio", () => {
    const before = "^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$";
    expect(most(before, 1000) / most(before, 500)).toBeGreaterThan(3.5);
  });
});

describe("formats of request fields", () => {
  test("every format rejects texts longer than any field allows", () => {
    const formats = [...FormatRegistry.Entries()].map(([name]) => name);
    expect(formats).toContain("date-time");
    const texts = (name: string) =>
      ["1", "a", "2030-01-01T00:00:00.000Z"].map((piece) => piece.repeat(MAX_FORMATTED_CHARS + 1 + name.length));
    const passed = formats.filter((name) => texts(name).some((text) => FormatRegistry.Get(name)?.(text)));
    expect(passed).toEqual([]);
    for (const name of new Set(fields.flatMap(({ schema }) => schema.format ?? []))) expect(formats).toContain(name);
    expect(MAX_FORMATTED_TEXT_CHARS).toBeLessThan(MAX_FORMATTED_CHARS);
  });

  test("the e-mail format accepts the same addresses as the previous pattern", () => {
    const before =
      /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
    const pieces = ["a", "B", "9", ".", "@", "-", "_", "+", "é", " ", "..", "@@", "example.com", "x-y", "-x", "x-", ""];
    for (let n = 0; n < 20_000; n++) {
      let rest = n * 7919 + 13;
      let text = "";
      for (let part = 0; part < 6; part++) {
        text += pieces[rest % pieces.length];
        rest = Math.floor(rest / pieces.length) + n;
      }
      expect([text, isEmail(text)]).toEqual([text, before.test(text)]);
    }
    expect([isEmail("ada@example.com"), isEmail("a@b"), isEmail("a.b+c@x-y.example.co")]).toEqual([true, false, true]);
  });
});

describe("JSON scan before parsing", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  /** Returns the number of slices and the error message. */
  async function scan(text: string): Promise<[slices: number, message: string]> {
    let slices = 1;
    const message = await scanJson(bytes(text), async () => void slices++).then(
      () => "",
      (error) => error.message,
    );
    return [slices, message];
  }

  test("a large body is scanned in slices, each byte once", async () => {
    const text = JSON.stringify("x".repeat(3 * SCAN_SLICE_BYTES));
    expect(await scan(text)).toEqual([4, ""]);
  });

  test("too deep nesting is rejected in the first slice, however much follows", async () => {
    expect(await scan("[".repeat(9_900_000))).toEqual([1, "body: is nested too deeply"]);
    expect(await scan('{"a":'.repeat(2_000_000))).toEqual([1, "body: is nested too deeply"]);
    expect(await scan(`{"a":${"[".repeat(31)}${"]".repeat(31)}}`)).toEqual([1, ""]);
  });

  test("too many values are rejected", async () => {
    expect((await scan(`[${"1,".repeat(1_000_000)}1]`))[1]).toBe("body: holds too many values");
    expect((await scan(`[${"[],".repeat(1_000_000)}1]`))[1]).toBe("body: holds too many values");
  });

  test("brackets inside of strings are ignored, also at the end of a slice", async () => {
    for (const text of ["[[[[", '\\"[[[', "\\\\", "{{{,,,", "\\u005b["]) {
      const long = JSON.stringify({ a: text.repeat(SCAN_SLICE_BYTES / 2), b: `${text}"` });
      for (let shift = 0; shift < 4; shift++) expect((await scan(" ".repeat(shift) + long))[1]).toBe("");
    }
  });

  test("a body that fails the scan is not parsed", async () => {
    const parse = spyOn(JSON, "parse");
    const body = "[".repeat(8000);
    const answer = await app.handle(
      new Request("http://localhost/api/auth/sign-in/email", {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "content-length": String(body.length) },
      }),
    );
    const parsed = parse.mock.calls.filter(([text]) => String(text).includes("[[["));
    parse.mockRestore();
    expect([answer.status, parsed]).toEqual([422, []]);
  });
});

test("body limits: the largest JSON that a route's schema allows fits into the limit, with two known exceptions", () => {
  const planOf = createPolicyFinder(() => app.routes);
  const tight = app.routes.flatMap((route) => {
    const schema = schemaOf(route, "body");
    const { bodyLimit } = planOf(route.method, route.path);
    if (schema === undefined || bodyLimit === "stream" || largestJsonBytes(schema) <= bodyLimit) return [];
    return [`${route.method} ${route.path}`];
  });
  // A thousand contacts with fifty fields of a thousand characters each are 55 MB, for which there are file imports.
  // Twenty templates of 64 KB are 1.3 MB, of which a campaign may have 256 KB.
  expect(tight.toSorted()).toEqual(["POST /api/campaigns/:id/add-contacts", "PUT /api/campaigns/:id/steps"]);
});
