import { invalid } from "../../lib/errors.ts";
import { loadCommonPasswords } from "./passwords/common-passwords.ts";
import { findGuessableReason, type PasswordOwner } from "./passwords/guessable.ts";

export const MIN_PASSWORD_CHARS = 10;
export const MAX_PASSWORD_CHARS = 128;

/** Minimum of OWASP for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const ARGON2_COST = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Normalises a password, so that it matches when typed on another keyboard (RFC 8265 section 4.2). */
function toCanonicalSpelling(password: string): string {
  return password.normalize("NFC");
}

/**
 * Rejects a new password that is too short, too long, or easy to guess. The API and the command line accept the same
 * passwords, because both call this.
 * @throws AppError INVALID with the field and the reason
 */
export async function assertNotGuessable(password: string, field: string, owner: PasswordOwner): Promise<void> {
  if (password.length < MIN_PASSWORD_CHARS || password.length > MAX_PASSWORD_CHARS)
    throw invalid(field, `expected ${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters`);
  const reason = findGuessableReason(password, owner, await loadCommonPasswords());
  if (reason !== null) throw invalid(field, reason);
}

/** Hashes a new password, on another thread. The names of `owner` count as easy to guess. @throws AppError INVALID as `assertNotGuessable` does */
export async function hashPassword(password: string, field = "password", owner: PasswordOwner = {}): Promise<string> {
  await assertNotGuessable(password, field, owner);
  return hashUnchecked(password);
}

/** Hashes a password without checking it. */
export async function hashUnchecked(password: string): Promise<string> {
  return Bun.password.hash(toCanonicalSpelling(password), ARGON2_COST);
}

/** Returns whether a password matches a hash. Runs on another thread and costs as much as `hashPassword`. */
export async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  return Bun.password.verify(toCanonicalSpelling(password), hash, "argon2id");
}
