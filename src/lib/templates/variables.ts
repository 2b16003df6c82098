import type { Variables } from "./template.ts";

/** The fields of a contact that messages can use. `custom`: the custom fields. */
export interface TemplateContact {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  company: string | null;
  custom: Readonly<Record<string, unknown>>;
}

/**
 * Builds the variables of a message: `firstName`, `lastName`, `fullName`, `email`, `phone`, `company`, the custom fields by name
 * and under `custom`, all of these under `contact` too, `brand.name`, `sender.name`, `sender.email` and `buildUnsubscribeUrl`.
 * A custom field named like a fixed variable is available through `custom` only, so that an import cannot redirect the
 * unsubscribe link.
 */
export function buildVariables(
  contact: TemplateContact,
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
