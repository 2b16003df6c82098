import { isPhoneCountry, normaliseEmail, normalisePhone } from "../address.ts";
import { checkZone } from "../brands/brands.ts";
import type { Rejection } from "../contactFiles/fileRow.ts";
import { invalid } from "../fault.ts";
import type { NewContact } from "./model.ts";

/** A person as they can be stored. At least one of `email` (lower case) and `phone` (E.164) is there. */
export interface Person {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  timezone: string | null;
  /** What was said about consent; kept among the custom fields. */
  consent?: string | null;
  custom: Record<string, string>;
}

/** A row of a request or a file, looked at by itself. */
export type JudgedRow = { verdict: "ok"; contact: Person } | { verdict: Rejection; message: string };

const MAX_NAME = 200;
const MAX_VALUE = 1000;
export const MAX_CUSTOM = 50;

/** What follows `custom.` in a template; never a name that every JavaScript object answers to. */
const CUSTOM_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_]{0,63}$/u;

/**
 * Normalises a person from a request. A bad address is a verdict, since one of a thousand rows must not stop the others;
 * what a program gets wrong in every row alike (a zone, a field's name) is INVALID and named by `field`.
 */
export function judgeContact(given: NewContact, field = "", defaultCountry?: string): JudgedRow {
  const { email: emailText, phone: phoneText, timezone, custom = {} } = given;
  checkNames(`${field}custom`, custom);
  if (timezone) checkZoneOnce(`${field}timezone`, timezone);

  const email = emailText?.trim() ? normaliseEmail(emailText) : null;
  const phone = phoneText?.trim() ? normalisePhone(phoneText, defaultCountry) : null;
  if (!email && emailText?.trim()) return { verdict: "bad_email", message: "This is not an e-mail address" };
  if (!phone && phoneText?.trim()) return { verdict: "bad_phone", message: whyNoPhone(phoneText, defaultCountry) };
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

function checkNames(field: string, custom: Record<string, string>): void {
  for (const name of Object.keys(custom)) {
    if (CUSTOM_NAME.test(name) && !(name in Object.prototype)) continue;
    throw invalid(field, `expected names of letters, digits and _, got ${JSON.stringify(name.slice(0, 80))}`);
  }
}

/** A country's two letters as `normalisePhone` takes them; INVALID for others. */
export function checkCountry(code: string | undefined): string | undefined {
  if (code !== undefined && !isPhoneCountry(code)) {
    throw invalid("defaultCountry", "expected a two-letter country code such as US or GB");
  }
  return code;
}

function whyNoPhone(text: string, defaultCountry: string | undefined): string {
  const hasCountry = defaultCountry !== undefined || /^\s*(\+|00)/.test(text);
  return hasCountry
    ? "This is not a phone number that can exist"
    : "This is not a phone number with its country code (+…), and no defaultCountry was named";
}

/** A request has few different zones, and asking `Intl` is slow. */
const knownZones = new Set<string>();

function checkZoneOnce(field: string, zone: string): void {
  if (knownZones.has(zone)) return;
  try {
    checkZone(zone);
  } catch {
    throw invalid(field, `expected an IANA time zone such as America/New_York, got ${JSON.stringify(zone)}`);
  }
  if (knownZones.size < 1_000) knownZones.add(zone);
}

/**
 * The same person within the bounds of what is stored, which files know nothing of: texts are cut, fields past the
 * fiftieth left out, and `note` says so.
 */
export function fitPerson(person: Person): { person: Person; note: string | null } {
  const notes = new Set<string>();
  const cut = (text: string, limit: number): string => {
    if (text.length > limit) notes.add(`a text was cut to ${limit} characters`);
    // Half of a surrogate pair, which a cut can leave, is nothing that a database takes.
    return text.slice(0, limit).toWellFormed();
  };
  const { consent, custom, ...rest } = person;
  const fields = Object.entries(consent ? Object.assign({ consent }, custom, { consent }) : custom);
  if (fields.length > MAX_CUSTOM) notes.add(`of ${fields.length} custom fields the first ${MAX_CUSTOM} were kept`);
  const name = (text: string | null) => (text === null ? null : cut(text, MAX_NAME));
  return {
    person: {
      ...rest,
      firstName: name(rest.firstName),
      lastName: name(rest.lastName),
      company: name(rest.company),
      custom: Object.fromEntries(
        fields.slice(0, MAX_CUSTOM).map(([key, value]) => [key.toWellFormed(), cut(value, MAX_VALUE)]),
      ),
    },
    note: notes.size > 0 ? `Stored, but ${[...notes].join(", and ")}` : null,
  };
}
