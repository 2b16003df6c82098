import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { AppError } from "../../../../src/lib/errors.ts";
import { seededRandom } from "../../../../src/lib/random.ts";
import { assertNotGuessable } from "../../../../src/modules/identity/password.ts";
import { buildBloomFilter, mayContain } from "../../../../src/modules/identity/passwords/bloom.ts";
import bloomFile from "../../../../src/modules/identity/passwords/common-passwords.bloom" with { type: "file" };
import { loadCommonPasswords } from "../../../../src/modules/identity/passwords/common-passwords.ts";
import { normalizePassword } from "../../../../src/modules/identity/passwords/guessable.ts";
import { countUnits } from "../../../../src/modules/identity/passwords/patterns.ts";
import { PASSWORD } from "../../../support/api-client.ts";
import { PROJECT_ROOT } from "../../../support/project-root.ts";

// Passwords need no particular characters: only passwords that would be guessed soon are rejected.

const ADA = { email: "ada.lovelace@example.com", name: "Ada Lovelace" };

/** Returns why a password is rejected, or null when it is accepted. */
async function rejectionReason(password: string, owner = ADA): Promise<string | null> {
  try {
    await assertNotGuessable(password, "password", owner);
    return null;
  } catch (error) {
    if (error instanceof AppError && error.code === "INVALID") return error.message;
    throw error;
  }
}

const list: string[] = await Bun.file(
  join(PROJECT_ROOT, "node_modules/@zxcvbn-ts/language-common/src/passwords.json"),
).json();

describe("password rules: rejects", () => {
  test.each([
    "1234567890",
    "password12",
    "qwertyuiop",
    "iloveyou123",
    "Password2026!",
    "PASSWORD12",
    "  password12  ",
    "p@ssw0rd1234",
    "ｐａｓｓｗｏｒｄ12", // full-width letters
    "drowssap2026",
    "!!letmein!!",
    "welcome123456",
    "1q2w3e4r5t",
    "monkeymonkey",
    "hunter22hunter22",
    "qwerty123456",
    "1qaz2wsx3edc",
    "p.a.s.s.w.o.r.d",
    "pass word 12345",
    "P A S S W O R D",
    "contraseña12",
    "password......................",
    "passwordreprise", // with the name of the service
  ])("a common password: %s", async (password) => {
    expect(await rejectionReason(password)).toMatch(
      /^password: this is one of the most common passwords, or close to one/,
    );
  });

  test.each([
    "0987654321",
    "aaaaaaaaaaaa",
    "a".repeat(128),
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890".repeat(12),
    "zyxwvutsrqponm",
    "abc123def456",
    "qwertyuiopasdfghjklzxcvbnm",
    "aaaaaaaaaaaaaaaaab",
    "xk9xk9xk9xk9xk9z",
    "0101101001101",
    "a1b2c3d4e5f6",
    "1990-12-12",
    "12.12.1990!",
    "12121212121212",
    "!!!!!!!!!!!!",
    "٠٠٠٠٠٠٠٠٠٠٠٠",
    "😀😀😀😀😀😀😀😀",
  ])("a pattern of any length: %s", async (password) => {
    expect(await rejectionReason(password)).toMatch(
      /^password: this is (a repeated or sequential pattern|one of the most common passwords)/,
    );
  });

  test.each([
    "ada.lovelace1",
    "AdaLovelace1815",
    "lovelace-ada!",
    "Reprise2026!",
    "reprise-reprise",
    "adalovelace99",
    "ada.lovelace@example.com",
    "Ada-Lovelace-1815",
  ])("a password made of the owner's name or address: %s", async (password) =>
    expect(await rejectionReason(password)).toMatch(/^password: this is (little more than|one of)/),
  );

  test.each(["short", "123456789", "x".repeat(129)])(
    "a password that is too short or too long: %s",
    async (password) => {
      expect(await rejectionReason(password)).toBe("password: expected 10 to 128 characters");
    },
  );
});

describe("password rules: accepts", () => {
  test.each([
    PASSWORD,
    "a brand new password",
    "tr0ub4dor&3x",
    "gjq4-hx2w-98ab",
    "Kx8!pQz3Lm",
    "za\u0308hlebo\u0308gen",
    "кот сидит на окне",
    "ada likes seven green trains", // a name within a longer phrase is accepted
    "dragon83749201847",
    "onlylowercaseletters",
    "84739201847362910",
    "blue-table-seven",
    "my dog eats 12 carrots",
  ])("a password that is hard to guess: %s", async (password) => expect(await rejectionReason(password)).toBeNull());

  test("the name of one user as the password of another user", async () => {
    expect(await rejectionReason("zuckerberg-99", { email: "zuckerberg@example.com", name: "Z" })).toMatch(
      /little more/,
    );
    expect(await rejectionReason("zuckerberg-99", ADA)).toBeNull();
  });
});

describe("list of common passwords", () => {
  test("contains each of its source passwords in less than 300 kB, and matches its build script", async () => {
    const isCommon = await loadCommonPasswords();
    expect(list.length).toBe(49_233);
    expect(list.filter((password) => !isCommon(normalizePassword(password)))).toEqual([]);
    const file = Bun.file(bloomFile);
    expect(file.size).toBeLessThan(300_000);
    // The file must equal what the script builds from the installed package.
    const built = buildBloomFilter([...new Set(list.map(normalizePassword))]);
    expect(Buffer.from(await file.bytes()).equals(built)).toBe(true);
  });

  test("rejects fewer than one in a thousand random passwords", async () => {
    const isCommon = await loadCommonPasswords();
    const random = seededRandom("false positives");
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.!";
    const drawn = Array.from({ length: 100_000 }, () =>
      Array.from({ length: 14 }, () => letters[Math.floor(random() * letters.length)]).join(""),
    );
    const found = drawn.filter(isCommon).length;
    console.log(`false positives of the list: ${found} of ${drawn.length}`);
    expect(found / drawn.length).toBeLessThanOrEqual(0.001);
    let refused = 0;
    for (const password of drawn.slice(0, 20_000)) if ((await rejectionReason(password)) !== null) refused++;
    console.log(`random passwords refused for any reason: ${refused} of 20000`);
    expect(refused / 20_000).toBeLessThanOrEqual(0.001);
  });

  test("uses the same hash for building and lookup as the stored file", () => {
    const filter = buildBloomFilter(["one", "two"]);
    expect(["one", "two", "three", "four"].map((text) => mayContain(filter, text))).toEqual([true, true, false, false]);
    expect(Bun.hash.xxHash64("reprise", 1n)).toBe(1263192870585812771n);
  });
});

test("countUnits: a password that normalization makes 18 times as long is evaluated by its beginning only", () => {
  const grown = normalizePassword("\ufdfa".repeat(128));
  expect(grown.length).toBe(18 * 128);
  expect(countUnits(grown)).toBeLessThan(20);
  expect(countUnits(`${"ab".repeat(128)}qwxzvnmtyu`)).toBe(countUnits("ab".repeat(128)));
});
