import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";

const name = (example: string) => Nullable(t.String({ maxLength: 200, examples: [example] }));

export const CustomFields = t.Record(t.String(), t.String({ maxLength: 1000 }), {
  maxProperties: 50,
  description: "Custom fields by the name that templates use: letters, digits and _",
  examples: [{ city: "Springfield", jobTitle: "Dentist" }],
});

/** A contact in a request. At least one of email and phone; a row without is skipped, not refused. */
export const NewContact = t.Object({
  email: t.Optional(Nullable(t.String({ maxLength: 320, examples: ["jo@example.com"] }))),
  phone: t.Optional(Nullable(t.String({ maxLength: 64, examples: ["+12025550143"] }))),
  firstName: t.Optional(name("Jo")),
  lastName: t.Optional(name("Miller")),
  company: t.Optional(name("Miller Dental")),
  timezone: t.Optional(Nullable(t.String({ maxLength: 64, examples: ["America/Chicago"] }))),
  consent: t.Optional(
    Nullable(t.String({ maxLength: 200, description: "Stored as the field `custom.consent`", examples: ["web form"] })),
  ),
  custom: t.Optional(CustomFields),
});
export type NewContact = typeof NewContact.static;

export const ContactUpdate = NewContact;
export type ContactUpdate = NewContact;

export const Contact = t.Object({
  id: Id,
  brandId: t.String(),
  email: Nullable(t.String()),
  phone: Nullable(t.String()),
  firstName: Nullable(t.String()),
  lastName: Nullable(t.String()),
  company: Nullable(t.String()),
  timezone: Nullable(t.String()),
  custom: t.Record(t.String(), t.String()),
  emailBouncedAt: Nullable(Timestamp),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Contact = typeof Contact.static;

export const DefaultCountry = t.Optional(
  t.String({ maxLength: 2, description: "ISO 3166-1 code: the country of phone numbers without +", examples: ["US"] }),
);
export const SearchQuery = t.Optional(
  t.String({ maxLength: 200, description: "One or more prefixes of words", examples: ["jo mill"] }),
);
/** Documents the search of contacts, for the operations that have one. */
export const SEARCH_DESCRIPTION =
  "`searchQuery` filters: each of its words must be a prefix of a word of the name, the company, the e-mail address (whole, or from any part on: `miller@`, `acme.com`) or the phone number (with or without country code, or its last four digits). Case and accents are ignored; results are ordered by the matching word. A request searches a few thousand contacts: a page can be short or empty and still have a `nextCursor`.";
export const OnDuplicate = t.Optional(
  t.Union([t.Literal("SKIP"), t.Literal("UPDATE")], {
    description: "Existing contacts are left unchanged (SKIP, the default) or updated from the row (UPDATE)",
  }),
);
