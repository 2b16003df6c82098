import { normaliseEmail, normalisePhone } from "../address.ts";
import type { ContactField, Mapping } from "./columns.ts";

/** A person as a file describes them. At least one of `email` (lower case) and `phone` (E.164) is there. */
export interface FileContact {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  /** An IANA zone, `Europe/Paris`; null also when the file says something else. */
  timezone: string | null;
  /** What the file says about consent, as it says it. */
  consent: string | null;
  /** Without empty values. */
  custom: Record<string, string>;
}

/**
 * One row, and what can be said of it without looking at other contacts. `line` is the physical line (from 1) on which it starts.
 * `email` and `phone` of a rejected row are what stands in the file (at most 320 characters), "" when empty or not to be told.
 */
export type FileRow =
  | { line: number; verdict: "ok"; contact: FileContact }
  | { line: number; verdict: Rejection; message: string; email: string; phone: string };

export type Rejection = "bad_email" | "bad_phone" | "no_address" | "broken";

/** Several values in one cell: Google writes ` ::: ` between them, HubSpot and Outlook `;`. The first counts. */
const VALUE_SEPARATOR = /:::|;/;
const PLACEHOLDER = /^(?:n\/?a|#n\/a|none|null|nil|undefined|unknown|[-–—.?]+)$/i;
/** The apostrophe with which spreadsheets, Apollo and our own verdict file keep a cell from being taken for a formula. */
const PROTECTION = /^'(?=[^\S\r\n]*[=+\-@\t\r＝＋－＠])/;

/**
 * Makes a contact of a row's cells, or says why not.
 *
 * A row is taken whole or not at all: one bad address rejects it even when the other is good, because a person imported with half
 * of what the file says would be reached on one channel only, and nobody would notice. An empty cell or `n/a` is no address, not a bad one.
 */
export function judgeRow(line: number, cells: string[], mapping: Mapping, defaultCountry: string | undefined): FileRow {
  const emailText = firstAddress(cells, mapping.email);
  const phoneText = firstAddress(cells, mapping.phone);
  const email = emailText === null ? null : normaliseEmail(emailText);
  const phone = phoneText === null ? null : normalisePhone(phoneText, defaultCountry);

  const rejected = (verdict: Rejection, message: string): FileRow => {
    const raw = { email: (emailText ?? "").slice(0, 320), phone: (phoneText ?? "").slice(0, 320) };
    return { line, verdict, message, ...raw };
  };
  if (email === null && emailText !== null) return rejected("bad_email", `Not an e-mail address: ${quoted(emailText)}`);
  if (phone === null && phoneText !== null) return rejected("bad_phone", whyNotPhone(phoneText, defaultCountry));
  if (email === null && phone === null) return rejected("no_address", "Neither an e-mail address nor a phone number");

  const words = (field: ContactField) => firstValue(cells, mapping[field])?.replace(/\s+/g, " ") ?? null;
  const contact: FileContact = {
    email,
    phone,
    firstName: words("firstName"),
    lastName: words("lastName"),
    company: words("company"),
    timezone: zoneOf(words("timezone")),
    consent: words("consent"),
    custom: customFields(cells, mapping),
  };
  const fullName = words("fullName");
  const unnamed = contact.firstName === null && contact.lastName === null;
  return {
    line,
    verdict: "ok",
    contact: unnamed && fullName !== null ? { ...contact, ...splitName(fullName) } : contact,
  };
}

/** A cell as it was meant: no protective apostrophe, no surrounding space, and no NUL, which PostgreSQL cannot store. */
export function plain(cell: string): string {
  const text = cell.includes("\0") ? cell.replaceAll("\0", "") : cell;
  return (text.startsWith("'") ? text.replace(PROTECTION, "") : text).trim();
}

function firstValue(cells: string[], columns: number[] = []): string | null {
  for (const column of columns) {
    const value = plain(cells[column] ?? "");
    if (value !== "") return value;
  }
  return null;
}

function firstAddress(cells: string[], columns: number[] = []): string | null {
  for (const column of columns) {
    for (const part of plain(cells[column] ?? "").split(VALUE_SEPARATOR)) {
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

/** `Ann van Dyke` and `van Dyke, Ann` → Ann, van Dyke. */
function splitName(name: string): { firstName: string; lastName: string | null } {
  const [, family, given] = /^([^,]+), ?([^,]+)$/.exec(name) ?? [];
  if (family !== undefined && given !== undefined) return { firstName: given, lastName: family };
  const [firstName = name, ...rest] = name.split(" ");
  return { firstName, lastName: rest.join(" ") || null };
}

function whyNotPhone(text: string, defaultCountry: string | undefined): string {
  if (/^\d+[.,]\d+E\+?\d+$/i.test(text)) {
    return `A spreadsheet has cut digits off this phone number; format the column as text: ${quoted(text)}`;
  }
  const withCountry = defaultCountry !== undefined || text.startsWith("+") || text.startsWith("00");
  if (withCountry) return `Not a phone number that can exist: ${quoted(text)}`;
  return `Not a phone number with its country code (+…), and no default country was chosen: ${quoted(text)}`;
}

function quoted(text: string): string {
  return `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
}

/** A file has few different zones, and asking `Intl` is slow. */
const zones = new Map<string, string | null>();

function zoneOf(text: string | null): string | null {
  // Intl would also take an offset, which knows no summer time.
  if (text === null || !/^[a-z]/i.test(text)) return null;
  let zone = zones.get(text);
  if (zone === undefined) {
    zone = ianaZone(text);
    if (zones.size < 1_000) zones.set(text, zone);
  }
  return zone;
}

function ianaZone(text: string): string | null {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
