import type { Variables } from "./template.ts";

/** Who is written to, as far as messages may speak of it. `custom` are the brand's own fields. */
export interface Addressee {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  company: string | null;
  custom: Readonly<Record<string, unknown>>;
}

/**
 * What templates can say: `firstName`, `lastName`, `fullName`, `email`, `phone`, `company`, the custom fields by name and
 * under `custom`, the same once more under `contact`, `brand.name`, `sender.name`, `sender.email` and `unsubscribeUrl`.
 * A custom field named like a fixed one is reached through `custom` only: an import cannot redirect the unsubscribe link.
 */
export function messageVariables(
  contact: Addressee,
  brand: { name: string },
  sender: { name: string | null; email: string | null },
  unsubscribeUrl: string | null,
): Variables {
  const { firstName, lastName, email, phone, company, custom } = contact;
  const fullName = [firstName, lastName].filter(Boolean).join(" ");
  const person = { firstName, lastName, fullName, email, phone, company, custom };
  return {
    ...custom,
    ...person,
    contact: { ...custom, ...person },
    brand: { name: brand.name },
    sender: { name: sender.name, email: sender.email },
    unsubscribeUrl,
  };
}
