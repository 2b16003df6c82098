import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { measureSms, renderText, splitSms } from "../../../src/lib/templates/sms.ts";

const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED = "\f^{}\\[~]|€";

describe("measureSms", () => {
  test("the basic table has 127 characters and the extended table 10, without the escape", () => {
    expect(new Set(BASIC).size).toBe(127);
    for (const character of BASIC) expect(measureSms(character)).toEqual({ segments: 1, encoding: "GSM-7", units: 1 });
    for (const character of EXTENDED)
      expect(measureSms(character)).toEqual({ segments: 1, encoding: "GSM-7", units: 2 });
  });

  const cases: [name: string, text: string, encoding: "GSM-7" | "UCS-2", units: number, segments: number][] = [
    ["empty text", "", "GSM-7", 0, 0],
    ["one full GSM segment", "a".repeat(160), "GSM-7", 160, 1],
    ["one septet more than a segment", "a".repeat(161), "GSM-7", 161, 2],
    ["two full GSM segments", "a".repeat(306), "GSM-7", 306, 2],
    ["three GSM segments", "a".repeat(307), "GSM-7", 307, 3],
    ["escapes count twice", "€".repeat(80), "GSM-7", 160, 1],
    ["an escape pair does not fit the last septet", `${"a".repeat(152)}€${"a".repeat(152)}`, "GSM-7", 306, 3],
    ["one full UCS-2 segment", "я".repeat(70), "UCS-2", 70, 1],
    ["one unit more than a UCS-2 segment", "я".repeat(71), "UCS-2", 71, 2],
    ["two full UCS-2 segments", "я".repeat(134), "UCS-2", 134, 2],
    ["three UCS-2 segments", "я".repeat(135), "UCS-2", 135, 3],
    ["a surrogate pair is two units", "👋".repeat(35), "UCS-2", 70, 1],
    ["a pair does not fit the last unit", `${"я".repeat(66)}👋${"я".repeat(66)}`, "UCS-2", 134, 3],
    ["one curly quote makes all of it UCS-2", `${"a".repeat(100)}’`, "UCS-2", 101, 2],
    ["ç is not Ç", "ç", "UCS-2", 1, 1],
    ["a tab is not GSM", "\t", "UCS-2", 1, 1],
    ["the escape character is not GSM", "\x1b", "UCS-2", 1, 1],
  ];
  test.each(cases)("counts segments and units: %s", (_name, text, encoding, units, segments) => {
    expect(measureSms(text)).toEqual({ segments, encoding, units });
  });
});

describe("splitSms", () => {
  const gsm = fc.string({ unit: fc.constantFrom(...BASIC, ...EXTENDED), maxLength: 700 });
  const pairs = fc.string({ unit: fc.constantFrom("a", "я", "👋", "🏳️‍🌈"), maxLength: 300 });
  const any = fc.string({ unit: "binary", maxLength: 300 });

  test("joined parts equal the text, and no part exceeds its segment", () => {
    fc.assert(
      fc.property(fc.oneof(gsm, pairs, any), (text) => {
        const { parts, encoding, units } = splitSms(text);
        const sizes = parts.map((part) => sizeOf(part, encoding));
        const limit = encoding === "GSM-7" ? [160, 153] : [70, 67];
        expect(parts.join("")).toBe(text);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(units);
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(limit[parts.length > 1 ? 1 : 0] ?? 0);
        expect(measureSms(text)).toEqual({ segments: parts.length, encoding, units });
        // A part may be one unit shorter only where a pair did not fit.
        for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual((limit[1] ?? 0) - 1);
        if (text.isWellFormed()) expect(parts.every((part) => part.isWellFormed())).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

test("renderText: trims the text and replaces or removes characters that a phone cannot show", () => {
  const step = { body: "\r\n Hi {{ firstName }},\r\nbye {{ nick }}\u0007\t\ud800 " };
  expect(renderText(step, { firstName: "Zoë" })).toEqual({ text: "Hi Zoë,\nbye \t\ufffd", missing: ["nick"] });
});

function sizeOf(part: string, encoding: string): number {
  if (encoding === "UCS-2") return part.length;
  return [...part].reduce((sum, character) => sum + (EXTENDED.includes(character) ? 2 : 1), 0);
}
