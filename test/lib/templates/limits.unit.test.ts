import { describe, expect, test } from "bun:test";
import { AppError } from "../../../src/lib/errors.ts";
import { htmlToText, htmlToTextInSlices } from "../../../src/lib/templates/html-text.ts";
import {
  MAX_RENDER_STEPS,
  MAX_TEMPLATE_TAGS,
  MAX_TEMPLATE_WORDS,
  RENDER_SLICE_STEPS,
} from "../../../src/lib/templates/limits.ts";
import { renderMail, renderMailInSlices } from "../../../src/lib/templates/mail-body.ts";
import { ParsedTemplateCache } from "../../../src/lib/templates/parsed-cache.ts";
import { parseTemplate } from "../../../src/lib/templates/parsed-template.ts";
import { getTotalSteps } from "../../../src/lib/templates/render-budget.ts";
import { assertTemplate, renderInSlices, renderTemplate } from "../../../src/lib/templates/template.ts";
import { checkTemplates } from "../../../src/modules/campaigns/steps.ts";

// Limit templates by counts (tags, words, steps, characters, slices), never by time.

/** Returns the message of the rejection, or an empty text when nothing is rejected. */
function rejectionMessage(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    if (error instanceof AppError && error.code === "INVALID") return error.message;
    throw error;
  }
}

const stepsOf = (work: () => unknown): number => {
  const before = getTotalSteps();
  rejectionMessage(work);
  return getTotalSteps() - before;
};

const WORDS = MAX_TEMPLATE_WORDS;
/** The largest source of each kind that fits in 64 KB, which must be rejected before parsing. */
const tooMuch: Record<string, [source: string, limit: RegExp]> = {
  outputs: ["{{x}}".repeat(13_000), /outputs and tags/],
  "the shortest tags": ["{%".repeat(32_000), /outputs and tags/],
  blocks: ["{%if a%}{%endif%}".repeat(3_500), /outputs and tags/],
  "branches of one condition": [`{%if a%}${"{%elsif a%}".repeat(5_000)}{%endif%}`, /outputs and tags/],
  "lines of a liquid tag": [`{%liquid\n${"echo a\n".repeat(9_000)}%}`, /outputs and tags/],
  "filters of one output": [`{{a${"|size".repeat(13_000)}}}`, /words of code/],
  operators: [`{%if a${" or a".repeat(13_000)}%}{%endif%}`, /words of code/],
  properties: [`{{a${".a".repeat(30_000)}}}`, /words of code/],
  "values of a case": [`{%case a%}{%when 1${",1".repeat(30_000)}%}{%endcase%}`, /words of code/],
  "values of a cycle": [`{%cycle a${",a".repeat(30_000)}%}`, /words of code/],
  "nested properties": [`{{a${"[a".repeat(20_000)}${"]".repeat(20_000)}}}`, /words of code/],
  "code between quotes that do not match": [`{{ "{{ ' " ${"|size".repeat(6_000)} | append: "' " }}`, /words of code/],
  "brackets within each other": [`{{ a${"[a".repeat(60)}${"]".repeat(60)} }}`, /brackets within each other/],
  "nested blocks": [`${"{%if a%}".repeat(240)}${"{%endif%}".repeat(240)}`, /tags or brackets within each other/],
  "blocks nested by lines": [
    `{%liquid\n${"if a\n".repeat(200)}${"endif\n".repeat(200)}%}`,
    /tags or brackets within each other/,
  ],
};

describe("assertTemplate limits", () => {
  test.each(Object.entries(tooMuch))("a template with too many %s is rejected before parsing", (_, [source, limit]) => {
    expect(source.length).toBeLessThanOrEqual(64 * 1024);
    expect(rejectionMessage(() => assertTemplate("body", source))).toMatch(limit);
  });

  test("a template at the limits is accepted", () => {
    for (const source of [
      "{{ firstName }}, ".repeat(MAX_TEMPLATE_TAGS),
      `{{ a ${"| size ".repeat(WORDS / 2 - 10)}}}`,
      "x".repeat(64 * 1024),
      `${"{% if a %}".repeat(50)}x${"{% endif %}".repeat(50)}`,
      // Braces in CSS do not count as template code.
      `{{ a }}<style>${"@media { a { color: red; }} ".repeat(1_500)}</style>`,
    ]) {
      expect(rejectionMessage(() => assertTemplate("body", source))).toBe("");
    }
  });
});

const loops = "{% for i in (1..1000) %}{% for j in (1..100) %}";
const ends = "{% endfor %}{% endfor %}";
const endless: Record<string, string> = {
  outputs: `${loops}{{ i }}${ends}`,
  nothing: `${loops}${ends}`,
  "a text": `${loops}x${ends}`,
  "one long condition": `${loops}{% if z ${"or z ".repeat(1_000)}%}{% endif %}${ends}`,
  "many branches": `${loops}{% if z %}${"{% elsif z %}".repeat(400)}{% endif %}${ends}`,
  "many cases": `${loops}{% case z %}${`{% when 1${",1".repeat(20)} %}`.repeat(100)}{% endcase %}${ends}`,
  filters: `${loops}{{ z ${"| append: 'x' | size ".repeat(200)}}}${ends}`,
  "missing variables": `${loops}{{ a.b.c.d.e.f.g }}${ends}`,
  "loops in loops": `${"{% for i in (1..50) %}".repeat(40)}${"{% endfor %}".repeat(40)}`,
};

describe("renderTemplate limits", () => {
  test.each(Object.entries(endless))("endless loop over %s: rendering ends after a number of steps", (_, source) => {
    expect(rejectionMessage(() => renderTemplate(source, {}))).toMatch(/more than 8000 steps|memory alloc limit/);
    // The last step may be a long one, with as many words as a template may have.
    expect(stepsOf(() => renderTemplate(source, {}))).toBeLessThanOrEqual(MAX_RENDER_STEPS + WORDS + 1);
  });

  test("the largest template without repetition renders completely", () => {
    const source = "{{ a | append: 'x' | upcase }}".repeat(MAX_TEMPLATE_TAGS);
    expect(renderTemplate(source, { a: "b" }).text).toBe("BX".repeat(MAX_TEMPLATE_TAGS));
  });

  test("the number of steps is the same on each run: no clock is used", () => {
    const counts = [0, 1, 2].map(() => stepsOf(() => renderTemplate(endless.outputs ?? "", {})));
    expect(new Set(counts).size).toBe(1);
  });

  test("the length of the output is limited", () => {
    for (const source of [`{% for i in (1..100) %}${"x".repeat(60_000)}{% endfor %}`, "x{{ a }}{{ a }}"]) {
      expect(rejectionMessage(() => renderTemplate(source, { a: "y".repeat(70_000) }))).toMatch(
        /limit exceeded|more than 128000/,
      );
    }
  });
});

describe("rendering in slices", () => {
  /** Measures the most steps between two pauses. */
  async function longestSlice(work: (pause: () => Promise<void>) => Promise<unknown>) {
    let from = getTotalSteps();
    let longest = 0;
    let pauses = 0;
    const look = () => {
      longest = Math.max(longest, getTotalSteps() - from);
      from = getTotalSteps();
    };
    await work(async () => {
      pauses++;
      look();
    }).catch((error) => expect(error).toBeInstanceOf(AppError));
    look();
    return { longest, pauses };
  }

  test("a preview pauses every few hundred steps, up to its end or its rejection", async () => {
    for (const source of [`${loops}{{ i }}${ends}`, "{{ a | upcase | size }}".repeat(MAX_TEMPLATE_TAGS)]) {
      const { longest, pauses } = await longestSlice((pause) => renderInSlices(source, { a: 1 }, "text", pause));
      expect(longest).toBeLessThanOrEqual(RENDER_SLICE_STEPS + 20);
      expect(pauses).toBeGreaterThan(5);
    }
  });

  test("renderMailInSlices returns the same mail as renderMail", async () => {
    const body = `<p>Hi {{ firstName }}</p>${"<a href='https://x.example'>{{ i | default: '-' }}</a><br>".repeat(400)}{{ nick }}`;
    const step = { subject: "For {{ firstName }}", body };
    const footer = { unsubscribeUrl: "https://u.example", postalAddress: "1 Way", brandName: "B" };
    let pauses = 0;
    const sliced = await renderMailInSlices(step, { firstName: "Jo" }, footer, async () => void pauses++);
    expect(sliced).toEqual(renderMail(step, { firstName: "Jo" }, footer));
    expect(sliced.missing).toEqual(["nick"]);
    expect(pauses).toBeGreaterThan(5);
  });

  test("htmlToTextInSlices pauses between slices of tags and returns the same text as htmlToText", async () => {
    const html = "<a href='x'><p>&amp; more".repeat(5_000);
    let pauses = 0;
    expect(await htmlToTextInSlices(html, async () => void pauses++)).toBe(htmlToText(html));
    expect(pauses).toBe(15);
  });

  test("checkTemplates checks one template per slice", async () => {
    const delay = { value: 1, unit: "DAYS" as const };
    const given = Array.from({ length: 20 }, (_, stage) => ({
      stage,
      channel: "EMAIL" as const,
      delay,
      subject: "Hi",
      body: `${"{{ x }}".repeat(MAX_TEMPLATE_TAGS)} ${stage} ${Math.random()}`,
    }));
    let polls = 0;
    let done = false;
    const count = () => {
      polls++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await checkTemplates(given, "one");
    done = true;
    expect(polls).toBeGreaterThanOrEqual(given.length - 1);
  });

  test("checkTemplates rejects steps whose templates are too large in total", async () => {
    const step = { channel: "EMAIL" as const, delay: { value: 1, unit: "DAYS" as const }, body: "x".repeat(60_000) };
    const given = Array.from({ length: 5 }, (_, stage) => ({ ...step, stage }));
    await expect(checkTemplates(given, "one")).rejects.toThrow("steps: at most 256 KB of templates in all, got 293 KB");
    await checkTemplates(given.slice(0, 4), "one");
  });
});

describe("ParsedTemplateCache", () => {
  test("stays within its limit of bytes and evicts the least recently used template", () => {
    const cache = new ParsedTemplateCache(1_000);
    const of = (bytes: number) => ({ templates: [], html: false, bytes });
    cache.set("a", of(400));
    cache.set("b", of(400));
    expect(cache.get("a")).toBeDefined();
    cache.set("c", of(400));
    expect(["a", "b", "c"].map((source) => cache.get(source) !== undefined)).toEqual([true, false, true]);
    cache.set("huge", of(2_000));
    expect(cache.bytes).toBe(0);
  });

  test("the size of a template grows with its outputs, words and text", () => {
    expect(parseTemplate("body", "{{ x }}".repeat(500)).bytes).toBeGreaterThan(500 * 1_300);
    expect(parseTemplate("body", `{% cycle a${",a".repeat(2_400)} %}`).bytes).toBeGreaterThan(2_400 * 640);
    expect(parseTemplate("body", "x".repeat(60_000)).bytes).toBeGreaterThan(120_000);
  });
});
