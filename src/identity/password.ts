import { invalid } from "../fault.ts";
import { loadCommonPasswords } from "./passwords/commonPasswords.ts";
import { type PasswordOwner, whyGuessable } from "./passwords/guessable.ts";

export const SHORTEST = 10;
export const LONGEST = 128;

/** OWASP's least for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** One spelling of what looks the same, so that a password typed on another keyboard still fits (RFC 8265 section 4.2). */
function spelled(password: string): string {
  return password.normalize("NFC");
}

/**
 * Refuses a new password that is too short, too long, or would be guessed soon. The sign-up of a person must take the same
 * password as the command line, so this is the one place that decides.
 * @throws AppError INVALID, which names the field and says why
 */
export async function refuseGuessable(password: string, field: string, owner: PasswordOwner): Promise<void> {
  if (password.length < SHORTEST || password.length > LONGEST)
    throw invalid(field, `expected ${SHORTEST} to ${LONGEST} characters`);
  const reason = whyGuessable(password, owner, await loadCommonPasswords());
  if (reason !== null) throw invalid(field, reason);
}

/** Hashes a new password, on another thread. `owner` is whose it becomes: their name is guessed first. INVALID as `refuseGuessable`. */
export async function hashPassword(password: string, field = "password", owner: PasswordOwner = {}): Promise<string> {
  await refuseGuessable(password, field, owner);
  return hashAnything(password);
}

/** Hashes whatever is given, as `verifyPassword` does to compare. */
export async function hashAnything(password: string): Promise<string> {
  return Bun.password.hash(spelled(password), cost);
}

/** True for the password that was hashed. Takes another thread's time, the same as `hashPassword`. */
export async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  return Bun.password.verify(spelled(password), hash, "argon2id");
}
