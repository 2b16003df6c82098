import { domainToASCII } from "node:url";
// `max`, the smallest of the three metadata sets that checks digits everywhere: `min` knows little more than lengths for most countries
// (it passes +49 1234567), `mobile` refuses the landlines that voicemail reaches. It costs 75 kB more than `min`.
import { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max";

/** RFC 5321 section 4.5.3.1.1. */
const MAX_LOCAL_PART_CHARS = 64;
/** RFC 5321 section 4.5.3.1.3 allows a path of 256 characters, of which two are its angle brackets (RFC 3696 erratum 1690). */
const MAX_ADDRESS_CHARS = 254;
/** Maximum length of a phone number; longer text is never one. */
const MAX_PHONE_CHARS = 64;

/** A dot-string of RFC 5321 section 4.1.2, lower case. Quoted local parts and SMTPUTF8 are left out: hardly a mailbox has them, typing errors do. */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Returns the form in which an e-mail address is stored and compared: lower case, its domain in ASCII (punycode for an IDN).
 * Accepts pasted forms: surrounding space, `mailto:`, `"Ann" <ann@example.com>`. Returns null for what cannot be an address;
 * whether the mailbox exists is not checked.
 */
export function normaliseEmail(text: string): string | null {
  const bracketed = /<([^<>]*)>$/.exec(text.trim());
  const address = (bracketed?.[1] ?? text).trim().replace(/^mailto:([^?]*).*$/i, "$1"); // RFC 6068, with or without ?subject=
  const at = address.lastIndexOf("@");
  if (at < 1 || at > MAX_LOCAL_PART_CHARS || address.length > MAX_ADDRESS_CHARS) return null;

  // ASCII is checked before lowering: the Kelvin sign, for one, becomes an ordinary k.
  const local = address.slice(0, at);
  if (!isAscii(local) || !LOCAL_PART.test(local.toLowerCase())) return null;

  const domain = asciiDomain(address.slice(at + 1));
  if (domain === null || at + 1 + domain.length > MAX_ADDRESS_CHARS) return null;
  return `${local.toLowerCase()}@${domain}`;
}

/** Returns a host name of at least two labels (RFC 1035 section 2.3.1, as relaxed by RFC 1123 section 2.1), not an IP address, in ASCII. */
function asciiDomain(text: string): string | null {
  // Only an IDN goes through the URL parser, which would also read "1.2" as an IPv4 address and decode %-escapes.
  const domain = isAscii(text) ? text.toLowerCase() : text.includes("%") ? "" : domainToASCII(text);
  const labels = domain.split(".");
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) return null;
  return /^\d+$/.test(labels.at(-1) ?? "") ? null : domain;
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/**
 * Returns a phone number in E.164 (`+12025550143`), without its extension, or null when no such number can exist.
 * `defaultCountry` is the ISO 3166-1 code, in either case, that numbers without a country code belong to; without it only
 * international numbers (`+…` or `00…`) are accepted.
 */
export function normalisePhone(text: string, defaultCountry?: string): string | null {
  if (text.length > MAX_PHONE_CHARS) return null;
  const country = defaultCountry?.toUpperCase();
  const known = country !== undefined && isSupportedCountry(country) ? country : undefined;
  const number = /^\+\d+$/.test(text) ? text : cleanPhone(text);
  const international = known === undefined ? number.replace(/^00(?=[1-9])/, "+") : number;
  // Not searched for within other text: "Suite 12, 2025 550143" should be rejected, not dialled.
  const parsed = parsePhoneNumberFromString(
    international,
    known === undefined ? { extract: false } : { extract: false, defaultCountry: known },
  );
  return parsed?.isValid() ? parsed.number : null;
}

function cleanPhone(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "") // direction marks, which address books put around numbers
    .trim()
    .replace(/^tel:([^;]*).*$/i, "$1") // RFC 3966
    .replace(/^(\+?\d{7,15})\.0$/, "$1"); // what a data frame makes of a column of numbers
}

/** Returns whether numbers can be parsed as being of this country (an ISO 3166-1 code such as `US`, in either case). */
export function isPhoneCountry(code: string): boolean {
  return isSupportedCountry(code.toUpperCase());
}
