import { invalid } from "../fault.ts";

export const SHORTEST = 10;
export const LONGEST = 128;

/** OWASP's least for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** One spelling of what looks the same, so that a password typed on another keyboard still fits (RFC 8265 section 4.2). */
function spelled(password: string): string {
  return password.normalize("NFC");
}

/** Hashes a new password, on another thread. INVALID when it is too short or too long. */
export async function hashPassword(password: string, field = "password"): Promise<string> {
  if (password.length < SHORTEST || password.length > LONGEST)
    throw invalid(field, `expected ${SHORTEST} to ${LONGEST} characters`);
  return Bun.password.hash(spelled(password), cost);
}

/** True for the password that was hashed. Takes another thread's time, the same as `hashPassword`. */
export async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  return Bun.password.verify(spelled(password), hash, "argon2id");
}
