import type { ContactData } from "../contact-files/file-row.ts";
import { MAX_CUSTOM_FIELDS } from "./parse-contact.ts";

/** A contact of the brand while a batch of rows is matched, with the changes that rows have made so far. */
export interface MatchedContact extends ContactData {
  id: string;
  /** `new`: not in the database yet. `changed`: in the database with other values. */
  state: "new" | "kept" | "changed";
  createdAt: number;
}

/** The result of matching one row with the brand's contacts. */
type MatchResult =
  | { verdict: "added" | "updated" | "duplicate"; contactId: string; note: string | null }
  /** `duplicate`: the phone number belongs to another person, so it is unknown which contact is meant. */
  | { verdict: "duplicate" | "banned"; contactId: null; note: string | null }
  /** The brand's limit of contacts or of stored bytes is reached; `note` names it. */
  | { verdict: "quota"; contactId: null; note: string };

/**
 * Matches the rows of a batch with the brand's contacts, in order, and collects the rows to write. It does not access the
 * database: the constructor takes the contacts that share an address with any row.
 */
export class ContactMatcher {
  readonly #byEmail = new Map<string, MatchedContact>();
  readonly #byPhone = new Map<string, MatchedContact>();
  readonly #entries: MatchedContact[] = [];
  readonly #isBanned: (address: string) => boolean;
  readonly #newId: () => string;
  readonly #now: number;
  readonly #getQuotaError: (person: ContactData) => string | null;

  constructor(
    known: readonly MatchedContact[],
    isBanned: (address: string) => boolean,
    tx: { newId(): string; now: number },
    getQuotaError: (person: ContactData) => string | null = () => null,
  ) {
    this.#isBanned = isBanned;
    this.#getQuotaError = getQuotaError;
    this.#newId = () => tx.newId();
    this.#now = tx.now;
    for (const entry of known) this.#add(entry);
  }

  /** The contacts that are new or changed. */
  get pendingWrites(): MatchedContact[] {
    return this.#entries.filter((entry) => entry.state !== "kept");
  }

  /**
   * Finds the contact of a row by its e-mail address, else by its phone number, and adds or updates it. A number never
   * moves from one contact to another, and a row whose number belongs to a contact with *another* e-mail address changes
   * no contact: colleagues share a switchboard, families a line.
   */
  match(person: ContactData, onDuplicate: "SKIP" | "UPDATE"): MatchResult {
    const byEmail = person.email === null ? undefined : this.#byEmail.get(person.email);
    const byPhone = person.phone === null ? undefined : this.#byPhone.get(person.phone);
    const entry = byEmail ?? byPhone;
    if ([person.email, person.phone, entry?.email, entry?.phone].some((text) => text && this.#isBanned(text))) {
      return { verdict: "banned", contactId: null, note: null };
    }
    if (!entry) {
      const quotaError = this.#getQuotaError(person);
      if (quotaError !== null) return { verdict: "quota", contactId: null, note: quotaError };
      const added: MatchedContact = { ...person, id: this.#newId(), state: "new", createdAt: this.#now };
      this.#add(added);
      return { verdict: "added", contactId: added.id, note: null };
    }
    if (!byEmail && person.email !== null && entry.email !== null) {
      return {
        verdict: "duplicate",
        contactId: null,
        note: `The phone number ${person.phone} belongs to a contact with another e-mail address`,
      };
    }
    if (onDuplicate === "SKIP") return { verdict: "duplicate", contactId: entry.id, note: null };
    return { verdict: "updated", contactId: entry.id, note: this.#update(entry, person) };
  }

  #add(entry: MatchedContact): void {
    this.#entries.push(entry);
    if (entry.email !== null) this.#byEmail.set(entry.email, entry);
    if (entry.phone !== null) this.#byPhone.set(entry.phone, entry);
  }

  /** Overwrites the contact with the values that the row has. Returns a note about values that were not stored, or null. */
  #update(entry: MatchedContact, person: ContactData): string | null {
    const before = JSON.stringify(entry);
    const owner = person.phone === null ? entry : (this.#byPhone.get(person.phone) ?? entry);
    entry.email ??= person.email;
    if (person.phone !== null && owner === entry) entry.phone = person.phone;
    entry.firstName = person.firstName ?? entry.firstName;
    entry.lastName = person.lastName ?? entry.lastName;
    entry.company = person.company ?? entry.company;
    entry.timezone = person.timezone ?? entry.timezone;
    const custom = Object.entries({ ...entry.custom, ...person.custom });
    entry.custom = Object.fromEntries(custom.slice(0, MAX_CUSTOM_FIELDS));
    // The old number stays mapped within this batch: the next batch reads from the database whether it is unused.
    if (entry.email !== null) this.#byEmail.set(entry.email, entry);
    if (entry.phone !== null) this.#byPhone.set(entry.phone, entry);
    if (entry.state === "kept" && JSON.stringify(entry) !== before) entry.state = "changed";

    if (owner !== entry) return `The phone number ${person.phone} belongs to another contact and was not changed`;
    return custom.length > MAX_CUSTOM_FIELDS ? `Only ${MAX_CUSTOM_FIELDS} custom fields are kept` : null;
  }
}
