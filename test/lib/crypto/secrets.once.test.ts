import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, hkdfSync } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ledgerKey, masterKey, openVault, signer } from "../../../src/lib/crypto/secrets.ts";
import { MASTER_KEY_SCRIPT } from "./print-master-key.ts";

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
const place = "email_accounts|0198|secret";
const unavailable = expect.objectContaining({ code: "UNAVAILABLE" });

describe("openVault", () => {
  const vault = openVault(key);

  test("opens what it sealed, and seals the same text differently each time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), fc.string({ maxLength: 50 }), (plain, context) => {
        const sealed = vault.encrypt(plain, context);
        expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]+$/);
        expect(vault.decrypt(sealed, context)).toBe(plain);
        expect(vault.encrypt(plain, context)).not.toBe(sealed);
      }),
    );
  });

  test("rejects a value moved to another row", () => {
    const sealed = vault.encrypt("s3cret", place);
    for (const elsewhere of ["email_accounts|0199|secret", "email_accounts|0198|token", "", `${place}|`]) {
      expect(() => vault.decrypt(sealed, elsewhere)).toThrow(unavailable);
    }
  });

  test("rejects a value of another key with a message that contains no secret", () => {
    const sealed = openVault(otherKey).encrypt("s3cret", place);
    try {
      vault.decrypt(sealed, place);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("another key") });
      expect(Bun.inspect(error)).not.toContain("s3cret");
    }
    // A changed key label is rejected as well.
    const relabelled = sealed.replace(/^v1\.\w+/, vault.encrypt("", place).slice(0, 11));
    expect(() => vault.decrypt(relabelled, place)).toThrow(unavailable);
  });

  test("rejects a change of any single character", () => {
    const sealed = vault.encrypt("s3cret", place);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
      expect(() => vault.decrypt(changed, place)).toThrow(unavailable);
    }
    for (const nothing of [
      "",
      "v1",
      "v1..",
      "v2.00000000.AAAA",
      "plain text",
      sealed.slice(0, 30),
      `${sealed}.x`,
      `${sealed}=`,
    ]) {
      expect(() => vault.decrypt(nothing, place)).toThrow(unavailable);
    }
  });

  test("accepts only keys of 32 bytes", () => {
    for (const length of [0, 16, 31, 33]) expect(() => openVault(new Uint8Array(length))).toThrow("32 bytes");
  });
});

describe("signer", () => {
  const { sign, verify } = signer(key);

  test("verifies its own signatures only", () => {
    expect(verify("contact 1", sign("contact 1"))).toBe(true);
    expect(sign("contact 1")).toMatch(/^[\w-]{43}$/);
    const wrong = [
      sign("contact 2"),
      signer(otherKey).sign("contact 1"),
      "",
      "A".repeat(43),
      `${sign("contact 1")}=`,
      "é".repeat(43),
    ];
    for (const signature of wrong) expect(verify("contact 1", signature)).toBe(false);
  });
});

describe("masterKey", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "reprise-key-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is derived from a given secret without writing a file", () => {
    const given = "correct horse battery staple, twice";
    expect(masterKey(given, folder)).toEqual(masterKey(given, folder));
    expect(masterKey(given, folder)).toHaveLength(32);
    expect(masterKey(`${given}!`, folder)).not.toEqual(masterKey(given, folder));
    expect(readdirSync(folder)).toEqual([]);
    expect(() => masterKey("too short", folder)).toThrow(expect.objectContaining({ code: "INVALID" }));
  });

  test("is generated once, in a file of mode 0600", () => {
    const home = join(folder, "made", "here");
    const made = masterKey(null, home);
    expect(made).toHaveLength(32);
    expect(masterKey(null, home)).toEqual(made);
    expect(masterKey(null, join(folder, "elsewhere"))).not.toEqual(made);
    expect(statSync(join(home, "secret.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(home)).toEqual(["secret.key"]);
  });

  test("is rejected when others can access its file or the file is damaged", () => {
    const home = join(folder, "open");
    masterKey(null, home);
    const file = join(home, "secret.key");
    for (const mode of [0o640, 0o604, 0o644, 0o620]) {
      chmodSync(file, mode);
      expect(() => masterKey(null, home)).toThrow(`chmod 600 ${file}`);
    }
    chmodSync(file, 0o600);
    writeFileSync(file, "half a k");
    expect(() => masterKey(null, home)).toThrow("damaged");
  });

  test("is the same for all processes that start at the same time", async () => {
    const home = join(folder, "race");
    const command = [process.execPath, MASTER_KEY_SCRIPT, home, String(Date.now() + 400)];
    const starts = Array.from({ length: 8 }, () => Bun.spawn(command, { stderr: "inherit" }));
    const keys = await Promise.all(starts.map((start) => new Response(start.stdout).text()));
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{64}\n$/);
    expect(readdirSync(home)).toEqual(["secret.key"]);
  });
});

test("ledgerKey: seals are HMAC-SHA-256 with a key derived for the ledger, for texts of any length", () => {
  const master = new Uint8Array(32).fill(5);
  const own = new Uint8Array(hkdfSync("sha256", master, "reprise", "reprise ledger v1", 32));
  const key = ledgerKey(master);
  for (const text of ["", "a", "é☃😀".repeat(3000), "a"]) {
    const mac = createHmac("sha256", own).update(text).digest("base64url").slice(0, 22);
    expect(key.mac(text)).toBe(`${key.id}.${mac}`);
  }
  expect(ledgerKey(new Uint8Array(32).fill(6)).id).not.toBe(key.id);
});
