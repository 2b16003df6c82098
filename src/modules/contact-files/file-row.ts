import { normaliseEmail, normalisePhone } from "../../lib/addresses.ts";
import type { ContactField, Mapping } from "./columns.ts";

/** The fields of a contact before it is stored. At least one of `email` (lower case) and `phone` (E.164) is not null. */
export interface ContactData {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  /** An IANA zone, `Europe/Paris`. */
  timezone: string | null;
  /** The text about consent, unchanged; stored as the custom field `consent`. */
  consent?: string | null;
  custom: Record<string, string>;
}

/**
 * One row of a file, parsed without looking at other contacts. `line` is the physical line (from 1) on which it starts.
 * `email` and `phone` of a row with an error are the text in the file (at most 320 characters), "" when empty or unknown.
 */
export type FileRow =
  | { line: number; verdict: "ok"; contact: ContactData }
  | { line: number; verdict: RowError; message: string; email: string; phone: string };

export type RowError = "bad_email" | "bad_phone" | "no_address" | "broken";

/** Separates several values in one cell: ` ::: ` in Google's exports, `;` in those of HubSpot and Outlook. The first is used. */
const VALUE_SEPARATOR = /:::|;/;
const PLACEHOLDER = /^(?:n\/?a|#n\/a|none|null|nil|undefined|unknown|[-–—.?]+)$/i;
/** The apostrophe with which spreadsheets, Apollo and our own result files keep a cell from being run as a formula. */
const FORMULA_GUARD = /^'(?=[^\S\r\n]*[=+\-@\t\r＝＋－＠])/;

/**
 * Parses the cells of a row into a contact or an error.
 *
 * One bad address rejects the row even when the other is good: a contact imported with half of its addresses would be reached
 * on one channel only, without anyone noticing. An empty cell or `n/a` is no address, not a bad one.
 */
export function parseFileRow(
  line: number,
  cells: string[],
  mapping: Mapping,
  defaultCountry: string | undefined,
): FileRow {
  const emailText = firstAddress(cells, mapping.email);
  const phoneText = firstAddress(cells, mapping.phone);
  const email = emailText === null ? null : normaliseEmail(emailText);
  const phone = phoneText === null ? null : normalisePhone(phoneText, defaultCountry);

  const rejected = (verdict: RowError, message: string): FileRow => {
    const raw = { email: (emailText ?? "").slice(0, 320), phone: (phoneText ?? "").slice(0, 320) };
    return { line, verdict, message, ...raw };
  };
  if (email === null && emailText !== null)
    return rejected("bad_email", `Not a valid e-mail address: ${quote(emailText)}`);
  if (phone === null && phoneText !== null) return rejected("bad_phone", describePhoneError(phoneText, defaultCountry));
  if (email === null && phone === null) return rejected("no_address", "Neither an e-mail address nor a phone number");

  const text = (field: ContactField) => firstValue(cells, mapping[field])?.replace(/\s+/g, " ") ?? null;
  const contact: ContactData = {
    email,
    phone,
    firstName: text("firstName"),
    lastName: text("lastName"),
    company: text("company"),
    timezone: parseZone(text("timezone")),
    consent: text("consent"),
    custom: customFields(cells, mapping),
  };
  const fullName = text("fullName");
  const unnamed = contact.firstName === null && contact.lastName === null;
  return {
    line,
    verdict: "ok",
    contact: unnamed && fullName !== null ? { ...contact, ...splitName(fullName) } : contact,
  };
}

/** Removes the guard against formulas, surrounding space, and NUL, which PostgreSQL cannot store, from a cell. */
export function cleanCell(cell: string): string {
  const text = cell.includes("\0") ? cell.replaceAll("\0", "") : cell;
  return (text.startsWith("'") ? text.replace(FORMULA_GUARD, "") : text).trim();
}

function firstValue(cells: string[], columns: number[] = []): string | null {
  for (const column of columns) {
    const value = cleanCell(cells[column] ?? "");
    if (value !== "") return value;
  }
  return null;
}

function firstAddress(cells: string[], columns: number[] = []): string | null {
  for (const column of columns) {
    for (const part of cleanCell(cells[column] ?? "").split(VALUE_SEPARATOR)) {
      const value = part.trim();
      if (value !== "" && !PLACEHOLDER.test(value)) return value;
    }
  }
  return null;
}

function customFields(cells: string[], mapping: Mapping): Record<string, string> {
  const custom: Record<string, string> = {};
  for (const [key, columns] of Object.entries(mapping.custom)) {
    const value = firstValue(cells, columns);
    if (value !== null) custom[key] = value;
  }
  return custom;
}

/** Splits `Ann van Dyke` and `van Dyke, Ann` into Ann and van Dyke. */
function splitName(name: string): { firstName: string; lastName: string | null } {
  const [, family, given] = /^([^,]+), ?([^,]+)$/.exec(name) ?? [];
  if (family !== undefined && given !== undefined) return { firstName: given, lastName: family };
  const [firstName = name, ...rest] = name.split(" ");
  return { firstName, lastName: rest.join(" ") || null };
}

function describePhoneError(text: string, defaultCountry: string | undefined): string {
  if (/^\d+[.,]\d+E\+?\d+$/i.test(text)) {
    return `A spreadsheet has cut digits off this phone number; format the column as text: ${quote(text)}`;
  }
  const withCountry = defaultCountry !== undefined || text.startsWith("+") || text.startsWith("00");
  if (withCountry) return `Not a valid phone number: ${quote(text)}`;
  return `Phone number without a country code (+…), and no default country was given: ${quote(text)}`;
}

function quote(text: string): string {
  return `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
}

/** Caches zones: a file has few different ones, and `Intl` is slow. */
const zones = new Map<string, string | null>();

/** Parses an IANA zone; null for anything else. */
function parseZone(text: string | null): string | null {
  // Intl also accepts offsets, which have no daylight saving time.
  if (text === null || !/^[a-z]/i.test(text)) return null;
  let zone = zones.get(text);
  if (zone === undefined) {
    zone = resolveZone(text);
    if (zones.size < 1_000) zones.set(text, zone);
  }
  return zone;
}

function resolveZone(text: string): string | null {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
