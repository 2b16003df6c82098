import { invalid } from "../fault.ts";
import { loadCommonPasswords } from "./passwords/commonPasswords.ts";
import { type PasswordOwner, whyGuessable } from "./passwords/guessable.ts";

export const SHORTEST = 10;
export const LONGEST = 128;

/** Minimum of OWASP for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Normalises a password, so that it matches when typed on another keyboard (RFC 8265 section 4.2). */
function spelled(password: string): string {
  return password.normalize("NFC");
}

/**
 * Rejects a new password that is too short, too long, or easy to guess. The API and the command line accept the same
 * passwords, because both call this.
 * @throws AppError INVALID with the field and the reason
 */
export async function refuseGuessable(password: string, field: string, owner: PasswordOwner): Promise<void> {
  if (password.length < SHORTEST || password.length > LONGEST)
    throw invalid(field, `expected ${SHORTEST} to ${LONGEST} characters`);
  const reason = whyGuessable(password, owner, await loadCommonPasswords());
  if (reason !== null) throw invalid(field, reason);
}

/** Hashes a new password, on another thread. The names of `owner` count as easy to guess. @throws AppError INVALID as `assertNotGuessable` does */
export async function hashPassword(password: string, field = "password", owner: PasswordOwner = {}): Promise<string> {
  await refuseGuessable(password, field, owner);
  return hashAnything(password);
}

/** Hashes a password without checking it. */
export async function hashAnything(password: string): Promise<string> {
  return Bun.password.hash(spelled(password), cost);
}

/** Returns whether a password matches a hash. Runs on another thread and costs as much as `hashPassword`. */
export async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  return Bun.password.verify(spelled(password), hash, "argon2id");
}
