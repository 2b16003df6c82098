import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { type ContactFileOptions, parseContactFile } from "../../../src/modules/contact-files/contact-file.ts";
import type { FileRow } from "../../../src/modules/contact-files/file-row.ts";

type Input = string | Uint8Array;

/** Streams a file in chunks of `size` bytes. */
function stream(input: Input, size = 65_536): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(input);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + size));
      at += size;
    },
  });
}

async function read(input: Input, options: ContactFileOptions = {}, size?: number): Promise<FileRow[]> {
  return await Array.fromAsync(parseContactFile(stream(input, size), options));
}

/** Formats rows in short: `2 ann@example.com Ann`, `3 bad_email`. */
async function brief(input: Input, options?: ContactFileOptions, size?: number): Promise<string[]> {
  const name = (parts: (string | null)[]) => parts.filter((part) => part !== null).join(" ");
  return (await read(input, options, size)).map((row) =>
    row.verdict === "ok"
      ? name([`${row.line}`, row.contact.email, row.contact.phone, row.contact.firstName, row.contact.company])
      : `${row.line} ${row.verdict}`,
  );
}

setDefaultTimeout(30_000);

describe("contact file encodings", () => {
  const text = "Email;First name;Company\nann@example.com;Zoë – “x”;Łódź 株式会社\n";
  const utf16le = Buffer.from(text, "utf16le");
  const western = "Email,First name\nann@example.com,Zo\xeb \x80\x93\n";
  test.each<[encoding: string, file: Input, row: string]>([
    ["UTF-8", text, "2 ann@example.com Zoë – “x” Łódź 株式会社"],
    ["UTF-8 with BOM", `\uFEFF${text}`, "2 ann@example.com Zoë – “x” Łódź 株式会社"],
    ["UTF-16 LE", utf16le, "2 ann@example.com Zoë – “x” Łódź 株式会社"],
    ["UTF-16 BE", Buffer.from(utf16le).swap16(), "2 ann@example.com Zoë – “x” Łódź 株式会社"],
    ["UTF-16 LE with BOM", Buffer.from(`\uFEFF${text}`, "utf16le"), "2 ann@example.com Zoë – “x” Łódź 株式会社"],
    [
      "UTF-16 BE with BOM",
      Buffer.from(`\uFEFF${text}`, "utf16le").swap16(),
      "2 ann@example.com Zoë – “x” Łódź 株式会社",
    ],
    ["Windows-1252", Buffer.from(western, "latin1"), "2 ann@example.com Zoë €“"],
  ])("a file in %s is decoded, also in chunks of one byte", async (_, file, row) => {
    expect(await brief(file)).toEqual([row]);
    expect(await brief(file, {}, 1)).toEqual([row]);
  });
});

describe("contact file rows", () => {
  const header = "Email,Phone,First name,Company\n";
  test.each<[what: string, file: string, rows: string[]]>([
    ["CRLF", "Email,Company\r\na@example.com,A\r\n\r\nb@example.com,B\r\n", ["2 a@example.com A", "4 b@example.com B"]],
    ["CR", "Email,Company\ra@example.com,A\r\rb@example.com,B", ["2 a@example.com A", "4 b@example.com B"]],
    [
      "mixed line ends",
      "Email,Company\r\na@example.com,A\nb@example.com,B\r",
      ["2 a@example.com A", "3 b@example.com B"],
    ],
    ["semicolons", "Email;Company\na@example.com;A, B\n", ["2 a@example.com A, B"]],
    ["tabs", "Email\tCompany\na@example.com\tA, B; C\n", ["2 a@example.com A, B; C"]],
    ["pipes", "Email|Company\na@example.com|A\n", ["2 a@example.com A"]],
    ["a delimiter within quotes", '"Note, a, b, c";Email\nx;a@example.com\n', ["2 a@example.com"]],
    ["Excel's sep= line", "sep=;\r\nEmail;Company\r\na@example.com;A\r\n", ["3 a@example.com A"]],
    ["one column", "e-mail\na@example.com\nb@example.com", ["2 a@example.com", "3 b@example.com"]],
    ["blank lines first", "\n  \nEmail,Company\n,\na@example.com,A", ["5 a@example.com A"]],
    ["a header alone", "Email,Company\n", []],
    [
      "quoted newlines",
      'Email,Company,"A\nb"\r\na@example.com,"A\r\nB\n\rC",\r\nb@example.com,"",\n',
      ["3 a@example.com A B C", "7 b@example.com"],
    ],
    [
      "quotes within",
      `${header}a@example.com,,"Ann ""A"" Ray","Say ""hi"", Inc"\n`,
      ['2 a@example.com Ann "A" Ray Say "hi", Inc'],
    ],
    [
      "unescaped quotes",
      `${header}a@example.com,,Ann "A" Ray,"5" pipes\nb@example.com,,"B" C,D\n`,
      ['2 a@example.com Ann "A" Ray "5" pipes', '3 b@example.com "B" C D'],
    ],
    [
      "an unclosed quote",
      `${header}a@example.com,,"Ann,A\nb@example.com,,"Bob",B\nc@example.com,,Cy,C\n`,
      ["2 broken", "3 b@example.com Bob B", "4 c@example.com Cy C"],
    ],
    [
      "an unclosed quote at the end",
      `${header}a@example.com,,A,A\nb@example.com,,"B,B\nc@example.com,,C,C`,
      ["2 a@example.com A A", "3 broken", "4 c@example.com C C"],
    ],
    ["short rows", `${header}a@example.com\n,+12025550143\n`, ["2 a@example.com", "3 +12025550143"]],
    ["long rows", `${header}a@example.com,,A,Acme, Inc\nb@example.com,,B,C,,,\n`, ["2 broken", "3 b@example.com B C"]],
    [
      "bad addresses",
      `${header}ann@,+12025550143,A,\na@example.com,123,,\nann@,123,,\n,,Ann,\nn/a,-,Bob,\n`,
      ["2 bad_email", "3 bad_phone", "4 bad_email", "5 no_address", "6 no_address"],
    ],
    ["protected cells", `${header}a@example.com,'+12025550143,'=A,'Tis\n`, ["2 a@example.com +12025550143 =A 'Tis"]],
    [
      "several values",
      `${header}a@example.com ::: b@example.com,+12025550143; +13125550199,,\n`,
      ["2 a@example.com +12025550143"],
    ],
    ["NULs", `${header}a@example.com,,${"x".repeat(300)}\0y,\n`, [`2 a@example.com ${"x".repeat(300)}y`]],
  ])("a file with %s gives the expected rows for any chunk size", async (_, file, rows) => {
    expect(await brief(file)).toEqual(rows);
    expect(await brief(file, {}, 1)).toEqual(rows);
    expect(await brief(file, {}, 7)).toEqual(rows);
  });

  test("rows become contacts with normalized fields and custom fields", async () => {
    const file = [
      "Name,Email,Mobile,Phone,Company,Time Zone,Consent,Job Title,1st note",
      '"van Dyke,  Ann",ANN@example.com,,(202) 555-0143,"Acme\n Inc",america/new_york,web form,CTO,',
      "Bob,,202 555 0144,n/a,,GMT+5,,,x",
    ].join("\n");
    const empty = { email: null, lastName: null, company: null, timezone: null, consent: null };
    expect(await read(file, { defaultCountry: "us" })).toEqual([
      {
        line: 2,
        verdict: "ok",
        contact: {
          email: "ann@example.com",
          phone: "+12025550143",
          firstName: "Ann",
          lastName: "van Dyke",
          company: "Acme Inc",
          timezone: "America/New_York",
          consent: "web form",
          custom: { jobTitle: "CTO" },
        },
      },
      {
        line: 4,
        verdict: "ok",
        contact: { ...empty, phone: "+12025550144", firstName: "Bob", custom: { _1stNote: "x" } },
      },
    ]);
  });

  test("each rejected row has a message that names its reason", async () => {
    const file = 'Email,Phone\nann@,+12025550143\n,2025550143\n,+1555\n,2.02556E+09\n,"+1\n';
    const rows = (await read(file)).map((row) => (row.verdict === "ok" ? "" : row.message));
    expect(rows).toEqual([
      'Not a valid e-mail address: "ann@"',
      'Phone number without a country code (+…), and no default country was given: "2025550143"',
      'Not a valid phone number: "+1555"',
      'A spreadsheet has cut digits off this phone number; format the column as text: "2.02556E+09"',
      "A quotation mark is missing or misplaced",
    ]);
  });

  test("cells written as RFC 4180 defines are parsed back to the same text", async () => {
    const cell = fc.string({ unit: fc.constantFrom(..."ab \",;\t|\r\n'=+é𝄞0"), maxLength: 8 });
    const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 40 });
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
    const delimiter = fc.constantFrom(",", ";", "\t", "|");
    await fc.assert(
      fc.asyncProperty(rows, lineEnd, delimiter, fc.integer({ min: 1, max: 99 }), async (cells, end, comma, size) => {
        const lines = cells.map((row, index) => [`a${index}@example.com`, ...row.map(quote)].join(comma));
        const file = [["email", "x", "y", "z"].join(comma), ...lines].join(end);
        const got = (await read(file, {}, size)).map((row) => row.verdict === "ok" && row.contact.custom);
        const kept = (text: string) => text.replace(/^'(?=[^\S\r\n]*[=+\t\r])/, "").trim();
        const expected = cells.map(([x, y, z]) => {
          return Object.fromEntries(
            Object.entries({ x, y, z })
              .map(([key, text]) => [key, kept(text)])
              .filter(([, text]) => text !== ""),
          );
        });
        expect(got).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe("contact file rejection", () => {
  test.each<[what: string, file: Input, options: ContactFileOptions, message: RegExp]>([
    ["empty", "", {}, /^The file is empty$/],
    ["blank", "\r\n \r\n,,\r\n", {}, /^The file is empty$/],
    [
      "without address",
      "Name,Fax\nAnn,1\n",
      {},
      /no e-mail or phone column. Its columns: "Name", "Fax".*\{"Name": "email"\}/,
    ],
    ["without header", "Ann,ann@example.com\n", {}, /row with column names above it/],
    ["with a bad mapping", "Email\n", { mapping: { Fax: "phone" } }, /no column "Fax"/],
    ["with an unknown default country", "Phone\n", { defaultCountry: "XX" }, /defaultCountry: expected/],
    ["that is .xlsx", "PK\x03\x04\x14\0\x06\0", {}, /Excel workbook \(.xlsx\).*export it as CSV/],
    ["that is .xls", Buffer.from("d0cf11e0a1b11ae1", "hex"), {}, /old Excel workbook/],
    ["that is an image", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), {}, /not text/],
    ["with a huge cell", `Email,Note\na@example.com,${"x".repeat(65_537)}\n`, {}, /Line 2: the row is too large/],
    ["with 1,001 columns", `Email${",x".repeat(1_000)}\n`, {}, /^The file has 1001 columns; at most 1000/],
    ["with unescaped quotes throughout", `Email\n${'a"\n'.repeat(50_001)}`, {}, /^Line 50002: more than 50000 rows/],
    [
      "with a quote never closed",
      `Email,Note\na@example.com,x\na@example.com,"${"x,y\n".repeat(300_000)}`,
      {},
      /Line 3: .*never closed/,
    ],
  ])("a file %s is rejected with INVALID and a message", async (_, file, options, message) => {
    const reading = read(file, options).then(String, (error) => `${error.code} ${error.message}`);
    expect(await reading).toMatch(/^INVALID /);
    expect((await reading).slice("INVALID ".length)).toMatch(message);
  });

  test("a file with a cell of exactly 64 KiB or a column name starting with PK is accepted", async () => {
    const [row] = await read(`PK,Email\n${"é".repeat(32_768)},a@example.com\n`);
    expect(row?.verdict === "ok" && row.contact.custom.pk).toHaveLength(32_768);
  });
});
