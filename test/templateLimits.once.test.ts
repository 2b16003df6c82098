import { describe, expect, test } from "bun:test";
import { checkTemplates } from "../src/campaigns/steps.ts";
import { Fault } from "../src/fault.ts";
import { htmlToText, htmlToTextInSlices } from "../src/templates/htmlText.ts";
import {
  MAX_RENDER_STEPS,
  MAX_TEMPLATE_TAGS,
  MAX_TEMPLATE_WORDS,
  RENDER_SLICE_STEPS,
} from "../src/templates/limits.ts";
import { renderMail, renderMailInSlices } from "../src/templates/mailBody.ts";
import { ParsedCache } from "../src/templates/parsedCache.ts";
import { parse } from "../src/templates/parsedTemplate.ts";
import { stepsRendered } from "../src/templates/renderBudget.ts";
import { checkTemplate, renderInSlices, renderTemplate } from "../src/templates/template.ts";

// What a template may cost is counted (tags, words, steps, characters, slices), never timed.

/** The message of the refusal; empty when nothing was refused. */
function refusal(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    if (error instanceof Fault && error.code === "INVALID") return error.message;
    throw error;
  }
}

const stepsOf = (work: () => unknown): number => {
  const before = stepsRendered();
  refusal(work);
  return stepsRendered() - before;
};

const WORDS = MAX_TEMPLATE_WORDS;
/** The most of each kind of code that 64 KB can hold, which the parser must never see. */
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

describe("a template is refused before it is parsed", () => {
  test.each(Object.entries(tooMuch))("with too many %s", (_, [source, limit]) => {
    expect(source.length).toBeLessThanOrEqual(64 * 1024);
    expect(refusal(() => checkTemplate("body", source))).toMatch(limit);
  });

  test("and passes with as much as the limits allow", () => {
    for (const source of [
      "{{ firstName }}, ".repeat(MAX_TEMPLATE_TAGS),
      `{{ a ${"| size ".repeat(WORDS / 2 - 10)}}}`,
      "x".repeat(64 * 1024),
      `${"{% if a %}".repeat(50)}x${"{% endif %}".repeat(50)}`,
      // The code of others, which braces do not make ours.
      `{{ a }}<style>${"@media { a { color: red; }} ".repeat(1_500)}</style>`,
    ]) {
      expect(refusal(() => checkTemplate("body", source))).toBe("");
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

describe("a rendering ends after a number of steps", () => {
  test.each(Object.entries(endless))("that loops over %s", (_, source) => {
    expect(refusal(() => renderTemplate(source, {}))).toMatch(/more than 8000 steps|memory alloc limit/);
    // The last step may be a long one: as many words as a template has.
    expect(stepsOf(() => renderTemplate(source, {}))).toBeLessThanOrEqual(MAX_RENDER_STEPS + WORDS + 1);
  });

  test("and the largest template that repeats nothing is not ended", () => {
    const source = "{{ a | append: 'x' | upcase }}".repeat(MAX_TEMPLATE_TAGS);
    expect(renderTemplate(source, { a: "b" }).text).toBe("BX".repeat(MAX_TEMPLATE_TAGS));
  });

  test("it is refused by every machine alike: no clock is asked", () => {
    const counts = [0, 1, 2].map(() => stepsOf(() => renderTemplate(endless.outputs ?? "", {})));
    expect(new Set(counts).size).toBe(1);
  });

  test("what is written is bounded as well", () => {
    for (const source of [`{% for i in (1..100) %}${"x".repeat(60_000)}{% endfor %}`, "x{{ a }}{{ a }}"]) {
      expect(refusal(() => renderTemplate(source, { a: "y".repeat(70_000) }))).toMatch(
        /limit exceeded|more than 128000/,
      );
    }
  });
});

describe("in slices", () => {
  /** The most steps between two pauses. */
  async function longestSlice(work: (pause: () => Promise<void>) => Promise<unknown>) {
    let from = stepsRendered();
    let longest = 0;
    let pauses = 0;
    const look = () => {
      longest = Math.max(longest, stepsRendered() - from);
      from = stepsRendered();
    };
    await work(async () => {
      pauses++;
      look();
    }).catch((error) => expect(error).toBeInstanceOf(Fault));
    look();
    return { longest, pauses };
  }

  test("a preview lets others in every few hundred steps, to its end or its refusal", async () => {
    for (const source of [`${loops}{{ i }}${ends}`, "{{ a | upcase | size }}".repeat(MAX_TEMPLATE_TAGS)]) {
      const { longest, pauses } = await longestSlice((pause) => renderInSlices(source, { a: 1 }, "text", pause));
      expect(longest).toBeLessThanOrEqual(RENDER_SLICE_STEPS + 20);
      expect(pauses).toBeGreaterThan(5);
    }
  });

  test("it renders what the engine sends", async () => {
    const body = `<p>Hi {{ firstName }}</p>${"<a href='https://x.example'>{{ i | default: '-' }}</a><br>".repeat(400)}{{ nick }}`;
    const step = { subject: "For {{ firstName }}", body };
    const footer = { unsubscribeUrl: "https://u.example", postalAddress: "1 Way", brandName: "B" };
    let pauses = 0;
    const sliced = await renderMailInSlices(step, { firstName: "Jo" }, footer, async () => void pauses++);
    expect(sliced).toEqual(renderMail(step, { firstName: "Jo" }, footer));
    expect(sliced.missing).toEqual(["nick"]);
    expect(pauses).toBeGreaterThan(5);
  });

  test("HTML becomes text in slices of tags", async () => {
    const html = "<a href='x'><p>&amp; more".repeat(5_000);
    let pauses = 0;
    expect(await htmlToTextInSlices(html, async () => void pauses++)).toBe(htmlToText(html));
    expect(pauses).toBe(15);
  });

  test("steps are checked one template to a slice, before any transaction", async () => {
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

  test("steps are refused when all their templates together are too large", async () => {
    const step = { channel: "EMAIL" as const, delay: { value: 1, unit: "DAYS" as const }, body: "x".repeat(60_000) };
    const given = Array.from({ length: 5 }, (_, stage) => ({ ...step, stage }));
    await expect(checkTemplates(given, "one")).rejects.toThrow("steps: at most 256 KB of templates in all, got 293 KB");
    await checkTemplates(given.slice(0, 4), "one");
  });
});

describe("parsed templates are kept", () => {
  test("within a bound of memory, the least recently used leaving first", () => {
    const cache = new ParsedCache(1_000);
    const of = (bytes: number) => ({ templates: [], html: false, bytes });
    cache.keep("a", of(400));
    cache.keep("b", of(400));
    expect(cache.find("a")).toBeDefined();
    cache.keep("c", of(400));
    expect(["a", "b", "c"].map((source) => cache.find(source) !== undefined)).toEqual([true, false, true]);
    cache.keep("huge", of(2_000));
    expect(cache.bytes).toBe(0);
  });

  test("each is taken for as much as its outputs, words and text hold", () => {
    expect(parse("body", "{{ x }}".repeat(500)).bytes).toBeGreaterThan(500 * 1_300);
    expect(parse("body", `{% cycle a${",a".repeat(2_400)} %}`).bytes).toBeGreaterThan(2_400 * 640);
    expect(parse("body", "x".repeat(60_000)).bytes).toBeGreaterThan(120_000);
  });
});
