import { isPhoneCountry, normaliseEmail, normalisePhone } from "../../lib/addresses.ts";
import { invalid } from "../../lib/errors.ts";
import { assertZone } from "../brands/brands.ts";
import type { ContactData, RowError } from "../contact-files/file-row.ts";
import type { NewContact } from "./model.ts";

/** A row of a request or a file, parsed without looking at other contacts. */
export type ParsedRow = { verdict: "ok"; contact: ContactData } | { verdict: RowError; message: string };

const MAX_NAME_CHARS = 200;
const MAX_VALUE_CHARS = 1000;
export const MAX_CUSTOM_FIELDS = 50;

/** The name after `custom.` in a template. Names of `Object.prototype` are refused besides. */
const CUSTOM_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_]{0,63}$/u;

/**
 * Parses a contact of a request. A bad address is returned as a result, because one of a thousand rows must not stop the
 * others; mistakes that a client makes in every row alike (a time zone, a field's name) are thrown.
 * @throws AppError INVALID naming the field, with the prefix `field`
 */
export function parseContact(given: NewContact, field = "", defaultCountry?: string): ParsedRow {
  const { email: emailText, phone: phoneText, timezone, custom = {} } = given;
  assertCustomNames(`${field}custom`, custom);
  if (timezone) assertZoneField(`${field}timezone`, timezone);

  const email = emailText?.trim() ? normaliseEmail(emailText) : null;
  const phone = phoneText?.trim() ? normalisePhone(phoneText, defaultCountry) : null;
  if (!email && emailText?.trim()) return { verdict: "bad_email", message: "This is not an e-mail address" };
  if (!phone && phoneText?.trim())
    return { verdict: "bad_phone", message: describePhoneError(phoneText, defaultCountry) };
  if (!email && !phone) return { verdict: "no_address", message: "Neither an e-mail address nor a phone number" };

  const text = (value: string | null | undefined) => value?.replace(/\s+/g, " ").trim() || null;
  return {
    verdict: "ok",
    contact: {
      email,
      phone,
      firstName: text(given.firstName),
      lastName: text(given.lastName),
      company: text(given.company),
      timezone: timezone || null,
      consent: text(given.consent),
      custom,
    },
  };
}

function assertCustomNames(field: string, custom: Record<string, string>): void {
  for (const name of Object.keys(custom)) {
    if (CUSTOM_NAME.test(name) && !(name in Object.prototype)) continue;
    throw invalid(field, `expected names of letters, digits and _, got ${JSON.stringify(name.slice(0, 80))}`);
  }
}

/** Returns the country code when `normalisePhone` supports it. @throws AppError INVALID for others */
export function assertCountry(code: string | undefined): string | undefined {
  if (code !== undefined && !isPhoneCountry(code)) {
    throw invalid("defaultCountry", "expected a two-letter country code such as US or GB");
  }
  return code;
}

function describePhoneError(text: string, defaultCountry: string | undefined): string {
  const hasCountry = defaultCountry !== undefined || /^\s*(\+|00)/.test(text);
  return hasCountry
    ? "This is not a valid phone number"
    : "This phone number has no country code (+…), and no defaultCountry was given";
}

/** Caches valid zones: a request has few different ones, and `Intl` is slow. */
const knownZones = new Set<string>();

function assertZoneField(field: string, zone: string): void {
  if (knownZones.has(zone)) return;
  try {
    assertZone(zone);
  } catch {
    throw invalid(field, `expected an IANA time zone such as America/New_York, got ${JSON.stringify(zone)}`);
  }
  if (knownZones.size < 1_000) knownZones.add(zone);
}

/**
 * Truncates texts to their stored length and drops custom fields past the fiftieth, because files have no limits of their
 * own. `note` names the truncated fields, or is null.
 */
export function truncateContact(person: ContactData): { person: ContactData; note: string | null } {
  const notes = new Set<string>();
  const cut = (text: string, limit: number): string => {
    if (text.length > limit) notes.add(`a text was cut to ${limit} characters`);
    // A cut can leave half of a surrogate pair, which Postgres refuses.
    return text.slice(0, limit).toWellFormed();
  };
  const { consent, custom, ...rest } = person;
  const fields = Object.entries(consent ? Object.assign({ consent }, custom, { consent }) : custom);
  if (fields.length > MAX_CUSTOM_FIELDS)
    notes.add(`of ${fields.length} custom fields the first ${MAX_CUSTOM_FIELDS} were kept`);
  const name = (text: string | null) => (text === null ? null : cut(text, MAX_NAME_CHARS));
  return {
    person: {
      ...rest,
      firstName: name(rest.firstName),
      lastName: name(rest.lastName),
      company: name(rest.company),
      custom: Object.fromEntries(
        fields.slice(0, MAX_CUSTOM_FIELDS).map(([key, value]) => [key.toWellFormed(), cut(value, MAX_VALUE_CHARS)]),
      ),
    },
    note: notes.size > 0 ? `Stored, but ${[...notes].join(", and ")}` : null,
  };
}
