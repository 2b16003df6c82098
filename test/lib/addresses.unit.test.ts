import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { normaliseEmail, normalisePhone } from "../../src/lib/addresses.ts";

const long = (length: number) => "a".repeat(length);
const domainOf = (length: number) =>
  `${`${long(49)}.`.repeat(5)}${long(length)}`.slice(0, length - 8).concat(".example");

describe("e-mail address normalization", () => {
  test.each<[text: string, email: string | null]>([
    ["ann@example.com", "ann@example.com"],
    ["  Ann.O'Neil+News@Example.COM\t", "ann.o'neil+news@example.com"],
    ["mailto:ann@example.com?subject=Hello", "ann@example.com"],
    ['"Neil, Ann" <Ann@Example.com>', "ann@example.com"],
    ["<mailto:ann@example.com>", "ann@example.com"],
    ["ann@bücher.example", "ann@xn--bcher-kva.example"],
    ["ann@BÜCHER.example", "ann@xn--bcher-kva.example"],
    ["ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"],
    ["ann@mail.example.co.uk", "ann@mail.example.co.uk"],
    ["ann?why@example.com", "ann?why@example.com"],
    [`${long(64)}@example.com`, `${long(64)}@example.com`],
    [`a@${domainOf(252)}`, `a@${domainOf(252)}`],
    [`${long(65)}@example.com`, null],
    [`a@${domainOf(253)}`, null],
    [`ann@${long(64)}.example`, null],
    ["", null],
    ["ann", null],
    ["@example.com", null],
    ["ann@", null],
    ["ann@localhost", null],
    ["ann@example..com", null],
    ["ann@.example.com", null],
    ["ann@example.com.", null],
    ["ann@-example.com", null],
    ["ann@ex_ample.com", null],
    ["ann@192.0.2.1", null],
    ["ann@１.２", null],
    ["ann@[192.0.2.1]", null],
    [".ann@example.com", null],
    ["ann.@example.com", null],
    ["an..n@example.com", null],
    ["ann neil@example.com", null],
    ["ann@exam ple.com", null],
    ["ann@example.com, bob@example.com", null],
    ["ann@example.com;bob@example.com", null],
    ["ann@@example.com", null],
    ['"ann neil"@example.com', null],
    ["änn@example.com", null],
    ["\u212Aarl@example.com", null], // the Kelvin sign, whose lower case is k
    ["ann\r\nBcc: bob@example.com", null],
    ["ann\0@example.com", null],
    ["ann@ex%61mple.com", null],
    ["ann@ü%2e.example", null],
  ])("%j is normalized to the expected address or to null", (text, email) => {
    expect(normaliseEmail(text)).toBe(email);
  });

  test("a normalized address stays the same when normalized again, and contains only characters allowed in a header", () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: "grapheme", maxLength: 40 })), (text) => {
        const email = normaliseEmail(text);
        if (email === null) return;
        expect(normaliseEmail(email)).toBe(email);
        expect(email).toMatch(/^[!-~]{1,64}@[a-z0-9.-]+$/);
        expect(email.length).toBeLessThanOrEqual(254);
      }),
      { numRuns: 2_000 },
    );
  });
});

test("address normalization: texts of a million characters return null within one second", () => {
  const started = performance.now();
  for (const text of [
    long(1e6),
    `${"<".repeat(1e6)}a@b.example`,
    `${"a.".repeat(5e5)}@b.example`,
    `a@${"b.".repeat(5e5)}c`,
  ]) {
    expect(normaliseEmail(text)).toBeNull();
    expect(normalisePhone(text, "US")).toBeNull();
  }
  expect(performance.now() - started).toBeLessThan(1_000);
});

describe("phone number normalization", () => {
  test.each<[text: string, country: string | undefined, phone: string | null]>([
    ["+12025550143", undefined, "+12025550143"],
    [" +1 (202) 555-0143 ", undefined, "+12025550143"],
    ["+1.202.555.0143", undefined, "+12025550143"],
    ["202 555 0143", "US", "+12025550143"],
    ["202 555 0143", "us", "+12025550143"],
    ["12025550143", "US", "+12025550143"],
    ["2025550143.0", "US", "+12025550143"],
    ["(202) 555-0143 x12", "US", "+12025550143"],
    ["+1 202 555 0143 ext. 5", undefined, "+12025550143"],
    ["tel:+1-202-555-0143;ext=5", undefined, "+12025550143"],
    ["\u202a+1 202\u00a0555\u20110143\u202c", undefined, "+12025550143"],
    ["＋１２０２５５５０１４３", undefined, "+12025550143"],
    ["011 44 20 7946 0123", "US", "+442079460123"],
    ["020 7946 0123", "GB", "+442079460123"],
    ["+44 (0)20 7946 0123", undefined, "+442079460123"],
    ["0044 20 7946 0123", undefined, "+442079460123"],
    ["0044 20 7946 0123", "GB", "+442079460123"],
    ["+49 171 3920012", undefined, "+491713920012"],
    ["202 555 0143", undefined, null],
    ["202 555 0143", "XX", null],
    ["020 7946 0123", "US", null],
    ["+1 202 555 014", undefined, null],
    ["+1 555 123 4567", undefined, null], // no area code 555
    ["+49 1234567", undefined, null], // accepted by the smallest metadata
    ["+447700900123", undefined, null], // reserved for fiction, never assigned
    ["1.2025550143E+10", "US", null],
    ["Room 12, 202 555 0143", "US", null],
    ["+1 202 555 0143 or +1 312 555 0199", undefined, null],
    ["", "US", null],
    ["n/a", "US", null],
    ["+", undefined, null],
  ])("%j with the default country %j is normalized to the expected number or to null", (text, country, phone) => {
    expect(normalisePhone(text, country)).toBe(phone);
  });

  test("a normalized number stays the same when normalized again", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\+?[0-9 ()-]{6,18}$/),
        fc.constantFrom("US", "GB", "DE", "FR"),
        (text, country) => {
          const phone = normalisePhone(text, country);
          if (phone !== null) expect(normalisePhone(phone)).toBe(phone);
        },
      ),
    );
  });
});
