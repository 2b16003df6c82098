import { AppError, type ErrorDetail } from "../../lib/errors.ts";

export type ContactField = keyof typeof KNOWN_COLUMN_NAMES;

/** The columns of each field, as indexes into the header in order of preference: the first cell that is not empty is used. */
export interface Mapping extends Partial<Record<ContactField, number[]>> {
  /** Columns by the field's name in templates: `jobTitle` for `custom.jobTitle`. */
  custom: Record<string, number[]>;
}

/**
 * Known column names, normalised by `normalizeColumnName`, best first. From the exports of HubSpot, Mailchimp (labels and merge tags),
 * Google Contacts (`Given Name` and `E-mail 1 - Value`; since 2024 `First Name`), Apollo, GoHighLevel and Outlook, and common use.
 * Mobile numbers come first because SMS needs them; a company's switchboard (Apollo's `Corporate Phone`) is not the contact's.
 */
const KNOWN_COLUMN_NAMES = {
  email: [
    ...["email", "emailaddress", "primaryemail", "primaryemailaddress", "workemail", "businessemail", "contactemail"],
    ...["email1value", "email1", "mail", "mailaddress", "emailid", "personalemail", "homeemail", "otheremail"],
    ...["email2value", "email2", "email3value", "secondaryemail", "tertiaryemail", "additionalemails"],
    ...[
      "additionalemailaddresses",
      "emailadresse",
      "mailadresse",
      "adresseemail",
      "courriel",
      "correo",
      "correoelectronico",
    ],
  ],
  phone: [
    ...["mobilephone", "mobilephonenumber", "mobile", "mobilenumber", "cellphone", "cellphonenumber", "cell", "phone"],
    ...[
      "phonenumber",
      "primaryphone",
      "primaryphonenumber",
      "telephone",
      "telephonenumber",
      "tel",
      "phone1value",
      "phone1",
    ],
    ...["workdirectphone", "directphone", "workphone", "businessphone", "homephone", "otherphone", "phone2value"],
    ...["phone2", "phone3value", "additionalphones", "handy", "mobil", "mobiltelefon", "telefon", "telefonnummer"],
    ...["portable", "movil", "telefono"],
  ],
  firstName: ["firstname", "givenname", "forename", "fname", "first", "vorname", "prenom", "nombre"],
  lastName: ["lastname", "surname", "familyname", "lname", "last", "nachname", "nomdefamille", "apellido", "apellidos"],
  fullName: ["fullname", "name", "contactname", "displayname", "contact"],
  company: [
    ...["companynameforemails", "company", "companyname", "organization", "organisation", "organizationname"],
    ...[
      "organisationname",
      "organization1name",
      "associatedcompany",
      "businessname",
      "business",
      "accountname",
      "account",
    ],
    ...["employer", "firma", "unternehmen", "societe", "entreprise", "empresa"],
  ],
  timezone: ["timezone", "ianatimezone", "tz", "zeitzone"],
  consent: [
    ...["consent", "marketingconsent", "emailconsent", "smsconsent", "gdprconsent", "optin", "optedin"],
    ...["legalbasisforprocessingcontactsdata", "confirmtime", "optintime"],
  ],
} as const satisfies Record<string, readonly string[]>;

const MAX_LISTED_COLUMNS = 30;
const FIELDS = Object.keys(KNOWN_COLUMN_NAMES) as ContactField[];

/** Properties of every JavaScript object, which a custom field of the same name would shadow. */
const RESERVED_KEYS = new Set([...Object.getOwnPropertyNames(Object.prototype), "prototype"]);

/** The name after `custom.` in a mapping, as Liquid accepts it in `{{ custom.jobTitle }}`. */
const CUSTOM_KEY = /^[\p{L}_][\p{L}\p{M}\p{N}_]{0,63}$/u;

/**
 * Maps the columns of a header to fields. An unknown column becomes a custom field under its camelCased name; a second one of
 * the same name is numbered (`note`, `note2`), and a column without a name is named by its position (`column3`).
 */
export function mapColumns(header: string[]): Mapping {
  return completeMapping({ custom: {} }, header, new Set());
}

/**
 * Applies a mapping from a request: column name → field, `custom.<name>`, or "" to leave the column out. Column names match
 * exactly, else without case, spaces and punctuation. Columns that are not mentioned are mapped as usual, except that none is
 * added to a field of the mapping; it becomes a custom field instead.
 * @throws AppError INVALID with every unknown column and field
 */
export function applyMapping(header: string[], given: Record<string, string>): Mapping {
  const mapping: Mapping = { custom: {} };
  const mentioned = new Set<number>();
  const wrong: ErrorDetail[] = [];
  for (const [column, target] of Object.entries(given)) {
    const columns = findColumns(header, column);
    const field = FIELDS.find((name) => name === target);
    const key = target.startsWith("custom.") ? target.slice("custom.".length) : null;
    for (const index of columns) mentioned.add(index);
    if (columns.length === 0) {
      wrong.push({ field: `mapping.${column}`, message: `the file has no column ${quote(column)}` });
    } else if (field !== undefined) {
      mapping[field] = [...(mapping[field] ?? []), ...columns];
    } else if (key !== null && CUSTOM_KEY.test(key) && !RESERVED_KEYS.has(key)) {
      mapping.custom[key] = [...(mapping.custom[key] ?? []), ...columns];
    } else if (target !== "") {
      wrong.push({
        field: `mapping.${column}`,
        message: `${quote(target)} is not a field: use ${FIELDS.join(", ")}, custom.<name>, or "" to leave the column out`,
      });
    }
  }
  if (wrong.length > 0) {
    const message = wrong.map((detail) => `${detail.field}: ${detail.message}`).join("; ");
    throw new AppError("INVALID", `${message}. Columns of the file: ${formatColumns(header)}`, { details: wrong });
  }
  return completeMapping(mapping, header, mentioned);
}

/** Formats the columns of a file for a message: `"Email", "Name"`, at most 30 of them. */
export function formatColumns(header: string[]): string {
  const more = header.length > MAX_LISTED_COLUMNS ? ` and ${header.length - MAX_LISTED_COLUMNS} more` : "";
  return header.slice(0, MAX_LISTED_COLUMNS).map(quote).join(", ") + more;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function findColumns(header: string[], name: string): number[] {
  const matchColumns = (same: (column: string) => boolean) =>
    header.flatMap((column, index) => (same(column) ? [index] : []));
  const exact = matchColumns((column) => column.trim() === name.trim());
  if (exact.length > 0 || normalizeColumnName(name) === "") return exact;
  return matchColumns((column) => normalizeColumnName(column) === normalizeColumnName(name));
}

/** Maps the columns that are not in `settled` to the fields that `mapping` lacks, and the rest to custom fields. */
function completeMapping(mapping: Mapping, header: string[], settled: Set<number>): Mapping {
  const open = new Map<string, number[]>();
  header.forEach((column, index) => {
    if (!settled.has(index))
      open.set(normalizeColumnName(column), [...(open.get(normalizeColumnName(column)) ?? []), index]);
  });
  const placed = new Set(settled);
  for (const field of FIELDS.filter((name) => mapping[name] === undefined)) {
    const columns = KNOWN_COLUMN_NAMES[field].flatMap((name) => open.get(name) ?? []);
    if (columns.length > 0) mapping[field] = columns;
    for (const index of columns) placed.add(index);
  }

  const used = new Set([...RESERVED_KEYS, ...Object.keys(mapping.custom)]);
  header.forEach((column, index) => {
    if (placed.has(index)) return;
    const key = makeUnique(toCustomKey(column) ?? `column${index + 1}`, used);
    used.add(key);
    mapping.custom[key] = [index];
  });
  return mapping;
}

function makeUnique(name: string, used: Set<string>): string {
  let candidate = name;
  for (let number = 2; used.has(candidate); number++) candidate = `${name}${number}`;
  return candidate;
}

/** Converts `Job Title`, `job_title` and `JOB-TITLE` to `jobTitle`; null when the name has no letter and no digit. */
function toCustomKey(column: string): string | null {
  const words = column
    .normalize("NFC")
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
  const key = words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("");
  return key === "" ? null : (/^\p{N}/u.test(key) ? `_${key}` : key).slice(0, 64);
}

/** Removes case, accents, spaces, punctuation and byte order mark from a column name. */
function normalizeColumnName(column: string): string {
  return column
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}
