import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { FormatRegistry } from "@sinclair/typebox";
import { isEmail, LONGEST_FORMATTED } from "../src/http/formats.ts";
import { FORMAT_LENGTH, lengthCheck, longestText } from "../src/http/inputLengths.ts";
import { SCAN_SLICE_BYTES, scanJson } from "../src/http/jsonScan.ts";
import { routePlans } from "../src/http/routePlans.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { stepsOf } from "./support/patternSteps.ts";
import { largestJson, schemaOf, type TextField, textFields, withText } from "./support/requestSchemas.ts";

// No pattern sees a text before its length is known, and none does more than a few steps for each character of it. All
// of it is counted: nothing here depends on how fast the machine is.

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

describe("every text in every request", () => {
  test("has a greatest length", () => {
    expect(fields.length).toBeGreaterThan(150);
    expect(fields.filter(({ schema }) => longestText(schema) === null).map(named)).toEqual([]);
  });

  test("in a path too", () => {
    const names = app.routes.flatMap((route) =>
      [...route.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({ route, name })),
    );
    const free = names.filter(({ route, name }) => !schemaOf(route, "params")?.properties?.[name]);
    expect(free.map(({ route, name }) => `${route.method} ${route.path} ${name}`)).toEqual([]);
  });

  test("that is longer is found before its form is looked at, wherever it stands", () => {
    const missed = fields.filter(({ route, part, field, schema }) => {
      const own = app.routes.find(({ method, path }) => `${method} ${path}` === route);
      const whole = own && schemaOf(own, part);
      // Another choice for the same field may be longer.
      const most = Math.max(
        ...fields
          .filter((other) => other.route === route && other.part === part && other.field === field)
          .map((other) => longestText(other.schema) ?? 0),
      );
      const check = whole && lengthCheck(whole);
      const flaw = check?.(withText(field, "a".repeat(most + 1)), "");
      return flaw?.field !== field || check?.(withText(field, "a".repeat(longestText(schema) ?? 0)), "") !== null;
    });
    expect(missed.map(named)).toEqual([]);
  });

  test("that the largest body of its route can hold is refused, and no pattern and no format has seen it", async () => {
    const planOf = routePlans(() => app.routes);
    const matched = fields.filter(({ schema, part }) => part === "body" && (schema.pattern ?? schema.format));
    expect(matched.length).toBeGreaterThan(40);
    const wrong: string[] = [];
    for (const given of matched) {
      const [method = "", path = ""] = given.route.split(" ");
      const limit = planOf(method, path).body;
      const text = "a.".repeat(Number(limit)).slice(0, Number(limit) - 300);
      const body = JSON.stringify(withText(given.field, text));
      let seen = 0;
      // Elysia matches texts of its own while it prepares a route.
      const note = (value: unknown) => {
        if (String(value).startsWith("a.a.")) seen = Math.max(seen, String(value).length);
      };
      const look = RegExp.prototype.test;
      const spy = spyOn(RegExp.prototype, "test").mockImplementation(function (this: RegExp, value: string) {
        note(value);
        return look.call(this, value);
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

describe("every pattern", () => {
  /** What makes one that is not linear repeat itself: texts that match for long and then do not. */
  const worst = (length: number) =>
    ["a", " ", "a ", "0", "a.", "\u0001", "\u00a0"].flatMap((piece) => {
      const text = piece.repeat(length).slice(0, length);
      return [text, `${text}\u0001`, `\u0001${text}`, `${text}!`, `${text}\u0001\u0001`];
    });
  const most = (pattern: string, length: number) => Math.max(...worst(length).map((text) => stepsOf(pattern, text)));

  test("does a few steps for each character, and twice as many for twice as many characters", () => {
    const patterns = new Map(
      fields.flatMap(({ schema }) => (schema.pattern ? [[schema.pattern, schema.maxLength ?? 0]] : [])),
    );
    expect(patterns.size).toBeGreaterThan(1);
    for (const [pattern] of patterns) {
      const [once, twice] = [most(pattern, 500), most(pattern, 1000)];
      expect([pattern, twice / once < 2.1, twice < 6 * 1000]).toEqual([pattern, true, true]);
    }
  });

  test("that is not linear would be found", () => {
    const before = "^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$";
    expect(most(before, 1000) / most(before, 500)).toBeGreaterThan(3.5);
  });
});

describe("formats", () => {
  test("see no text that is longer than any field is, whatever calls them", () => {
    const formats = [...FormatRegistry.Entries()].map(([name]) => name);
    expect(formats).toContain("date-time");
    const texts = (name: string) =>
      ["1", "a", "2030-01-01T00:00:00.000Z"].map((piece) => piece.repeat(LONGEST_FORMATTED + 1 + name.length));
    const passed = formats.filter((name) => texts(name).some((text) => FormatRegistry.Get(name)?.(text)));
    expect(passed).toEqual([]);
    for (const name of new Set(fields.flatMap(({ schema }) => schema.format ?? []))) expect(formats).toContain(name);
    expect(FORMAT_LENGTH).toBeLessThan(LONGEST_FORMATTED);
  });

  test("an e-mail address is what it was by the pattern before", () => {
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

describe("JSON is looked through before it is parsed", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  /** Slices that it took, and what was wrong. */
  async function scan(text: string): Promise<[slices: number, message: string]> {
    let slices = 1;
    const message = await scanJson(bytes(text), async () => void slices++).then(
      () => "",
      (error) => error.message,
    );
    return [slices, message];
  }

  test("in slices, each byte once", async () => {
    const text = JSON.stringify("x".repeat(3 * SCAN_SLICE_BYTES));
    expect(await scan(text)).toEqual([4, ""]);
  });

  test("nesting is refused in the first slice, however much follows", async () => {
    expect(await scan("[".repeat(9_900_000))).toEqual([1, "body: is nested too deeply"]);
    expect(await scan('{"a":'.repeat(2_000_000))).toEqual([1, "body: is nested too deeply"]);
    expect(await scan(`{"a":${"[".repeat(31)}${"]".repeat(31)}}`)).toEqual([1, ""]);
  });

  test("too many values are refused", async () => {
    expect((await scan(`[${"1,".repeat(1_000_000)}1]`))[1]).toBe("body: holds too many values");
    expect((await scan(`[${"[],".repeat(1_000_000)}1]`))[1]).toBe("body: holds too many values");
  });

  test("what stands in texts is no bracket, also where a slice ends", async () => {
    for (const text of ["[[[[", '\\"[[[', "\\\\", "{{{,,,", "\\u005b["]) {
      const long = JSON.stringify({ a: text.repeat(SCAN_SLICE_BYTES / 2), b: `${text}"` });
      for (let shift = 0; shift < 4; shift++) expect((await scan(" ".repeat(shift) + long))[1]).toBe("");
    }
  });

  test("a body that is parsed has passed", async () => {
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

test("what the schema of a route allows fits into what the route takes", () => {
  const planOf = routePlans(() => app.routes);
  const tight = app.routes.flatMap((route) => {
    const schema = schemaOf(route, "body");
    const { body } = planOf(route.method, route.path);
    if (schema === undefined || body === "stream" || largestJson(schema) <= body) return [];
    return [`${route.method} ${route.path}`];
  });
  // A thousand contacts with fifty fields of a thousand characters each are 55 MB: that is what files are for.
  // And twenty templates of 64 KB are 1.3 MB, of which a campaign may have 256 KB.
  expect(tight.toSorted()).toEqual(["POST /api/campaigns/:id/add-contacts", "PUT /api/campaigns/:id/steps"]);
});
