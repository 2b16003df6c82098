import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/lib/errors.ts";
import { assertTemplate, isHtml, renderTemplate } from "../../../src/lib/templates/template.ts";
import { buildVariables } from "../../../src/lib/templates/variables.ts";

const UNSUBSCRIBE = "https://mail.example.com/u/abc?x=1&y=2";
const ann = {
  firstName: "Ann",
  lastName: "O'Hara",
  email: "ann@example.com",
  phone: null,
  company: "Tom & <Jerry>",
  custom: { city: "Bern", "Job title": "CTO", unsubscribeUrl: "https://evil.example", blank: "  " },
};
const variables = buildVariables(ann, { name: "Acme" }, { name: "Bob", email: "bob@acme.example" }, UNSUBSCRIBE);
const text = (source: string) => renderTemplate(source, variables).text;
const missing = (source: string) => renderTemplate(source, variables).missing;

describe("renderTemplate", () => {
  test.each([
    ["Hi {{ firstName }}", "Hi Ann"],
    ["{{ fullName }} / {{ contact.fullName }}", "Ann O'Hara / Ann O'Hara"],
    ["{{ city }} {{ custom.city }} {{ contact.custom.city }} {{ custom['Job title'] }}", "Bern Bern Bern CTO"],
    ["{{ brand.name }} {{ sender.name }} {{ sender.email }}", "Acme Bob bob@acme.example"],
    ["{% if company %}at {{ company }}{% endif %}", "at Tom & <Jerry>"],
    ["{{ nick | default: 'you' }}", "you"],
    ["{% capture who %}{{ firstName }}!{% endcapture %}{{ who | upcase }}", "ANN!"],
    ["{% liquid\n assign a = 1\n echo a\n%}", "1"],
    ["{{ '2026-11-23T23:30:00Z' | date: '%Y-%m-%d %H:%M' }}", "2026-11-23 23:30"],
    ["a\r\nb\rc\u2028d\u0000\u001b[0m\t\ud800", "a\nb\nc\nd[0m\t\ufffd"],
  ])("renders %j as %j", (source, expected) => {
    expect(renderTemplate(source, variables)).toEqual({ text: expected, missing: [] });
  });

  test.each([
    [
      "{{ phone }} {{ nick }} {{ custom.blank }} {{ custom['no such'] }}",
      ["phone", "nick", "custom.blank", "custom['no such']"],
    ],
    ["{{ nick }}{{ nick }}", ["nick"]],
    ["{{ nick | upcase | append: '!' }}", ["nick"]],
    ["{{ 'Dear ' | append: nick }}", ["nick"]],
    ["{% if nick %}{{ nick }}{% endif %}{% unless nick %}x{% endunless %}", []],
    ["{% if firstName %}{{ nick }}{% endif %}", ["nick"]],
    ["{{ nick | default: '' }}{{ nick | upcase | default: 'you' }}", []],
    ["{% assign a = nick %}{{ a }}", ["a"]],
    ["{% for i in (1..2) %}{{ i }}{{ i.x }}{% endfor %}", ["i.x"]],
    ["{% echo nick %}{% liquid\n echo gone %}", ["nick", "gone"]],
  ])("%j: lists missing variables %j", (source, expected) => {
    expect(missing(source)).toEqual(expected);
  });

  test("a custom field cannot override a built-in variable", () => {
    expect(text("{{ unsubscribeUrl }} {{ custom.unsubscribeUrl }}")).toBe(`${UNSUBSCRIBE} https://evil.example`);
  });

  test("a custom field may have any name, including __proto__", () => {
    const custom: unknown = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "c", "toString": "s"}');
    const variables = buildVariables(
      { ...ann, custom: custom as Record<string, unknown> },
      { name: "" },
      { name: null, email: null },
      null,
    );
    expect(renderTemplate("{{ constructor }}{{ toString }}{{ polluted }}", variables).text).toBe("cs");
    expect(Object.getPrototypeOf(variables)).toBe(Object.prototype);
  });

  test("prototype properties are not accessible", () => {
    for (const path of [
      "constructor",
      "__proto__",
      "toString",
      "firstName.constructor",
      "custom.hasOwnProperty.name",
    ]) {
      expect(renderTemplate(`{{ ${path} }}`, variables)).toEqual({ text: "", missing: [path] });
    }
  });

  test("HTML: variables are escaped once and the template is not", () => {
    const source =
      "<b>{{ company }}</b>{% capture c %}{{ lastName }} &{% endcapture %}{{ c }}{% echo company %}{% cycle company %}";
    const jerry = "Tom &amp; &lt;Jerry&gt;";
    expect(renderTemplate(source, variables, "html").text).toBe(`<b>${jerry}</b>O&#x27;Hara &amp;${jerry}${jerry}`);
  });

  test("values of variables are not rendered as templates", () => {
    expect(renderTemplate("{{ a }}", { a: "{{ b }}", b: 1 }).text).toBe("{{ b }}");
  });

  test("the given variables are never changed", () => {
    const given = Object.freeze({ a: 1 });
    expect(renderTemplate("{% assign a = 2 %}{{ a }}", given).text).toBe("2");
    expect(renderTemplate("{{ a }}", given).text).toBe("1");
  });

  test.each([
    ["a long range", "{% for i in (1..100000000) %}{% endfor %}"],
    [
      "a doubling capture",
      `{% capture a %}${"x".repeat(99)}{% endcapture %}${"{% capture a %}{{ a }}{{ a }}{% endcapture %}".repeat(40)}`,
    ],
    ["a doubling assign", `{% assign a = "xxxxxxxxxx" %}${"{% assign a = a | append: a %}".repeat(40)}`],
    [
      "nested loops",
      `{% assign a = "${"x,".repeat(99)}" | split: "," %}${"{% for i in a %}".repeat(6)}${"{% endfor %}".repeat(6)}`,
    ],
    ["much text", `{% for i in (1..100) %}${"x".repeat(50_000)}{% endfor %}`],
    ["a wide date", "{{ '2026-01-01' | date: '%99999999d' }}"],
  ])("rejects %s", (_name, source) => {
    expect(() => text(source)).toThrow(AppError);
  });
});

describe("assertTemplate", () => {
  const complaint = (source: string): string => {
    try {
      assertTemplate("steps.0.body", source);
      return "";
    } catch (error) {
      return error instanceof AppError && error.code === "INVALID" ? error.message : "?";
    }
  };

  test.each([
    ["Hi {{ firstName", 'steps.0.body: line 1, column 4: output "{{ firstName" not closed'],
    ["Hi\n  {% if a %}", "steps.0.body: line 2, column 3: tag {% if a %} not closed"],
    ["{{ a | shout }}", "steps.0.body: line 1, column 1: undefined filter: shout"],
    ["{{ a | raw }}", "steps.0.body: line 1, column 1: undefined filter: raw"],
    ["{% include 'x' %}", 'steps.0.body: line 1, column 1: tag "include" not found'],
    ["{% render 'x' %}", 'steps.0.body: line 1, column 1: tag "render" not found'],
    ["{% layout 'x' %}", 'steps.0.body: line 1, column 1: tag "layout" not found'],
    ["{% increment a %}", 'steps.0.body: line 1, column 1: tag "increment" not found'],
    ["{% liquid\n include 'x' %}", 'steps.0.body: line 2, column 2: tag "include" not found'],
    ["ä".repeat(32_769), "steps.0.body: at most 64 KB"],
  ])("reports the place and cause of the error in %.30j", (source, message) => {
    expect(complaint(source)).toBe(message);
  });

  test("accepts valid templates and text with braces", () => {
    for (const source of ["", "Hi {{ firstName | default: 'there' }}", "{ a } %}", "x".repeat(65_536)]) {
      expect(complaint(source)).toBe("");
    }
  });
});

test("assertTemplate: errors name the line and column", () => {
  const places = ["{{ a | x }}", "\n{{ a | x }}", "a\n\n  {{ a | x }}\n"].map((source) => {
    try {
      assertTemplate("f", source);
      return "";
    } catch (error) {
      return error instanceof AppError ? error.message : "?";
    }
  });
  expect(places).toEqual([
    "f: line 1, column 1: undefined filter: x",
    "f: line 2, column 1: undefined filter: x",
    "f: line 3, column 3: undefined filter: x",
  ]);
});

test.each([
  ["Hi Ann,\n\nbye", false],
  ["1 < 2 and 3 > 2", false],
  ["Ann <ann@example.com> or <https://example.com>", false],
  ["{% if a <b %}x{% endif %}", false],
  ["{{ '<b>' }}", false],
  ["Hi<br>", true],
  ["<p>Hi</p>", true],
  ['<A HREF="{{ url }}">x</A>', true],
  ["{% if a %}<br/>{% endif %}", true],
  ["<!DOCTYPE html>", true],
])("isHtml(%j) is %p", (source, expected) => {
  expect(isHtml(source)).toBe(expected);
});
