import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { parseContactFile } from "../../../src/modules/contact-files/contact-file.ts";
import {
  formatCsvCell,
  formatResultLine,
  RESULT_FILE_HEADER,
} from "../../../src/modules/contact-files/row-results-file.ts";

describe("formatCsvCell", () => {
  test.each<[text: string | null, cell: string]>([
    [null, ""],
    ["", ""],
    ["Ann O'Neil", "Ann O'Neil"],
    ["Neil, Ann", '"Neil, Ann"'],
    ['5" pipe', '"5"" pipe"'],
    ["two\nlines", '"two\nlines"'],
    [" padded ", '" padded "'],
    ["ann+news@example.com", "ann+news@example.com"],
    ["+15551234567", "+15551234567"],
    ["+1 555 123 4567", "'+1 555 123 4567"],
    ["+1555123456789012", "'+1555123456789012"],
    ["+15551234567\n=1", `"'+15551234567\n'=1"`],
    ["=1+1", "'=1+1"],
    ["+1+1", "'+1+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", `"'\t'=1"`],
    ["\r=1", `"'\r'=1"`],
    ["\n=1", `"\n'=1"`],
    ["\0=1", "'\0=1"],
    ["  =1", "'  =1"],
    ["\u00a0=1", "'\u00a0=1"],
    ["a\r\n=1", `"a\r\n'=1"`],
    ["a\n  -1", `"a\n'  -1"`],
    ["a;=1", `"a;'=1"`],
    ["a|@1", `"a|'@1"`],
    ['"=1', `"'""=1"`],
    ['a;"=1"', `"a;'""=1"""`],
    ["=cmd|'/c calc'!A1", `"'=cmd|'/c calc'!A1"`],
    ["＝1", "'＝1"],
    ["＋1", "'＋1"],
    ["－1", "'－1"],
    ["＠1", "'＠1"],
    ["'=1", "'=1"],
    ["a=1-2", "a=1-2"],
  ])("writes %j as %j", (text, cell) => {
    expect(formatCsvCell(text)).toBe(cell);
  });

  test("never starts a formula for any cell separator, and stays one cell", () => {
    const text = fc.string({ unit: fc.constantFrom(..."a1 \",;\t|\r\n'=+-@"), maxLength: 12 });
    fc.assert(
      fc.property(text, (value) => {
        const written = formatCsvCell(value);
        const rows = parse(`x,${written},y\r\n`, { record_delimiter: "\r\n" });
        expect(rows.map((row) => row.length)).toEqual([3]);
        expect(rows[0]?.[1]?.replace(/(^|[\r\n;\t|])'/g, "$1")).toBe(value.replace(/(^|[\r\n;\t|])'/g, "$1"));
        if (!/^\+1{7,}$/.test(value)) expect(rows[0]?.[1]).not.toMatch(/(?:^|[\r\n;|])[ "]*[=+\-@\t]/);
      }),
      { numRuns: 2_000 },
    );
  });

  test("takes linear time", () => {
    const started = performance.now();
    for (const unit of ["\t", " ", '"', ";", "\r", "; ", "\n\t"]) formatCsvCell(unit.repeat(500_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

test("row results file: can be imported again as a contact file", async () => {
  const file =
    RESULT_FILE_HEADER +
    formatResultLine({ line: 2, verdict: "added", email: "ann@example.com", phone: "+12025550143", message: null }) +
    formatResultLine({
      line: 3,
      verdict: "bad_phone",
      email: "=bob@example.com",
      phone: "+1 (202) 555",
      message: 'Not "one"',
    });
  expect(file).toBe(
    "line,verdict,email,phone,message\r\n" +
      "2,added,ann@example.com,+12025550143,\r\n" +
      `3,bad_phone,'=bob@example.com,'+1 (202) 555,"Not ""one"""\r\n`,
  );
  const rows = await Array.fromAsync(parseContactFile(new Response(file).body ?? new ReadableStream(), {}));
  expect(rows).toMatchObject([
    { line: 2, verdict: "ok", contact: { email: "ann@example.com", phone: "+12025550143" } },
    { line: 3, verdict: "bad_phone", email: "=bob@example.com", phone: "+1 (202) 555" },
  ]);
});
