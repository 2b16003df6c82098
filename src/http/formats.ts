import { FormatRegistry } from "@sinclair/typebox";

/** Longest text that a format is checked on; every schema allows less. */
export const MAX_FORMATTED_CHARS = 1024;
const MAX_EMAIL_CHARS = 320;

const ATOM = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+$/i;
const LABEL = /^[a-z0-9-]{1,63}$/i;

/**
 * Returns whether a text has the form of an e-mail address: a local part of atoms and a domain of two labels or more. Accepts
 * the same as Elysia's own pattern, without labels that no domain can have (RFC 1035: 63 characters), and looks at each
 * character a fixed number of times.
 */
export function isEmail(text: string): boolean {
  if (text.length > MAX_EMAIL_CHARS) return false;
  const [local, domain, ...more] = text.split("@");
  if (local === undefined || domain === undefined || more.length > 0) return false;
  const labels = domain.split(".");
  return (
    local.split(".").every((atom) => ATOM.test(atom)) &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label) && !label.startsWith("-") && !label.endsWith("-"))
  );
}

/** Replaces the format whose work grows faster than the text, and bounds the length of text for all formats. Call it once. */
export function limitFormats(): void {
  for (const [name, check] of FormatRegistry.Entries()) {
    FormatRegistry.Set(name, (text) => text.length <= MAX_FORMATTED_CHARS && check(text));
  }
  FormatRegistry.Set("email", isEmail);
}
