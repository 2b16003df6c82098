import { MAX_CUSTOM, type Person } from "./person.ts";

/** Where a contact of the brand stands while a batch of rows is gone through. */
export interface Entry extends Person {
  id: string;
  /** `new`: not in the database yet. `changed`: there, and to be written again. */
  state: "new" | "kept" | "changed";
  createdAt: number;
}

/** What a row means for the brand's contacts. */
export type Placing =
  | { verdict: "added" | "updated" | "duplicate"; contactId: string; note: string | null }
  /** Somebody else's phone number: the row is a duplicate, and of whom nobody can tell. */
  | { verdict: "duplicate" | "banned"; contactId: null; note: string | null }
  /** The brand may have no more contacts, or no larger ones: which limit was reached. */
  | { verdict: "quota"; contactId: null; note: string };

/**
 * The contacts that a batch of rows may be about, and the rules for telling who is who. Knows no database: it is filled
 * with what is there, goes through the rows in order, and in the end tells what to write.
 */
export class AddressBook {
  readonly #byEmail = new Map<string, Entry>();
  readonly #byPhone = new Map<string, Entry>();
  readonly #entries: Entry[] = [];
  readonly #isBanned: (address: string) => boolean;
  readonly #newId: () => string;
  readonly #now: number;
  readonly #refuseNew: (person: Person) => string | null;

  constructor(
    known: readonly Entry[],
    isBanned: (address: string) => boolean,
    tx: { newId(): string; now: number },
    refuseNew: (person: Person) => string | null = () => null,
  ) {
    this.#isBanned = isBanned;
    this.#refuseNew = refuseNew;
    this.#newId = () => tx.newId();
    this.#now = tx.now;
    for (const entry of known) this.#enter(entry);
  }

  /** The entries that the database has not, or has otherwise. */
  get toWrite(): Entry[] {
    return this.#entries.filter((entry) => entry.state !== "kept");
  }

  /**
   * Finds the contact a row is about by its e-mail address, else by its phone number, and adds or updates it. A number
   * never moves from one contact to another; and a row whose number is that of a contact with *another* e-mail address
   * changes nobody: colleagues share a switchboard, families a line.
   */
  place(person: Person, onDuplicate: "SKIP" | "UPDATE"): Placing {
    const byEmail = person.email === null ? undefined : this.#byEmail.get(person.email);
    const byPhone = person.phone === null ? undefined : this.#byPhone.get(person.phone);
    const entry = byEmail ?? byPhone;
    if ([person.email, person.phone, entry?.email, entry?.phone].some((text) => text && this.#isBanned(text))) {
      return { verdict: "banned", contactId: null, note: null };
    }
    if (!entry) {
      const refusal = this.#refuseNew(person);
      if (refusal !== null) return { verdict: "quota", contactId: null, note: refusal };
      const added: Entry = { ...person, id: this.#newId(), state: "new", createdAt: this.#now };
      this.#enter(added);
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

  #enter(entry: Entry): void {
    this.#entries.push(entry);
    if (entry.email !== null) this.#byEmail.set(entry.email, entry);
    if (entry.phone !== null) this.#byPhone.set(entry.phone, entry);
  }

  /** Takes over what the row says and keeps what it does not; returns what had to be left out. */
  #update(entry: Entry, person: Person): string | null {
    const before = JSON.stringify(entry);
    const owner = person.phone === null ? entry : (this.#byPhone.get(person.phone) ?? entry);
    entry.email ??= person.email;
    if (person.phone !== null && owner === entry) entry.phone = person.phone;
    entry.firstName = person.firstName ?? entry.firstName;
    entry.lastName = person.lastName ?? entry.lastName;
    entry.company = person.company ?? entry.company;
    entry.timezone = person.timezone ?? entry.timezone;
    const custom = Object.entries({ ...entry.custom, ...person.custom });
    entry.custom = Object.fromEntries(custom.slice(0, MAX_CUSTOM));
    // The old number stays in the index: whether it is free again is for the next batch to see, in the database.
    if (entry.email !== null) this.#byEmail.set(entry.email, entry);
    if (entry.phone !== null) this.#byPhone.set(entry.phone, entry);
    if (entry.state === "kept" && JSON.stringify(entry) !== before) entry.state = "changed";

    if (owner !== entry) return `The phone number ${person.phone} is another contact's, and was left there`;
    return custom.length > MAX_CUSTOM ? `Only ${MAX_CUSTOM} custom fields are kept` : null;
  }
}
