import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { estimateBits, rateSecret } from "../../../src/lib/crypto/secret-strength.ts";
import { parseConfig } from "../../../src/server/config/config.ts";

describe("REPRISE_SECRET strength", () => {
  test.each([
    "a".repeat(32),
    "ab".repeat(20),
    "aA1!".repeat(8),
    " ".repeat(5) + "x".repeat(40),
    "0123456789".repeat(4),
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "1111222233334444555566667777888899990000",
    "aaaaaaaabbbbbbbbccccccccdddddddd",
    "deadbeefdeadbeefdeadbeefdeadbeef",
    "00000000000000000000000000000001",
    "passwordpasswordpasswordpassword",
    "Password1!Password1!Password1!Pass",
    "changemechangemechangemechangeme",
    "change-me-please-change-me-please-1",
    "dev-secret-dev-secret-dev-secret-dev",
    "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t",
  ])("hopeless secret %j: is rejected by name without being repeated", (secret) => {
    expect(rateSecret(secret)).toBe("hopeless");
    const refused = () => parseConfig({ REPRISE_SECRET: secret });
    expect(refused).toThrow("REPRISE_SECRET: expected");
    expect(refused).not.toThrow(secret.trim());
  });

  test.each(["this-is-my-super-secret-key-change-me", "my-super-secret-reprise-key-for-production"])(
    "weak secret %j: is accepted with a warning",
    (secret) => expect(rateSecret(secret)).toBe("weak"),
  );

  test("generated secret (hexadecimal, base64, UUID) or long phrase: is rated good", () => {
    for (let seed = 0; seed < 5000; seed++) {
      const bytes = createHash("sha256").update(String(seed)).digest();
      const hex = bytes.toString("hex");
      const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
        "-",
      );
      for (const secret of [hex, hex.slice(0, 32), bytes.toString("base64"), bytes.toString("base64url"), uuid])
        expect([secret, rateSecret(secret)]).toEqual([secret, "good"]);
    }
    expect(rateSecret("correct horse battery staple is long")).toBe("good");
  });

  test("estimateBits: repeating a piece adds less than 15 bits", () => {
    const piece = "Kq7)fP2m";
    expect(estimateBits(piece.repeat(8))).toBeLessThan(estimateBits(piece) + 15);
  });
});
