// Size of rows in the database with their indexes, for the limit storedBytes: 400,000 imported rows made a SQLite file of
// 507 MB, which is 1,268 bytes for a contact with its conversation and its import result. Estimates, but the same when a row is
// added and when it is deleted, so that a counter returns to zero.

const CONTACT_ROW_BYTES = 700;
export const CONVERSATION_ROW_BYTES = 400;
const ROW_RESULT_BYTES = 150;
const STEP_ROW_BYTES = 200;

const countBytes = (...texts: (string | null | undefined)[]) =>
  texts.reduce((sum, text) => sum + (text ? Buffer.byteLength(text) : 0), 0);

interface ContactTexts {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  custom: Record<string, string>;
}

export function contactBytes({ email, phone, firstName, lastName, company, custom }: ContactTexts): number {
  // Addresses are in two indexes besides the row.
  return (
    CONTACT_ROW_BYTES + 3 * countBytes(email, phone) + countBytes(firstName, lastName, company, JSON.stringify(custom))
  );
}

export function rowResultBytes(row: { email: string | null; phone: string | null; message: string | null }): number {
  return ROW_RESULT_BYTES + countBytes(row.email, row.phone, row.message);
}

export function stepBytes({ subject, body }: { subject: string | null; body: string }): number {
  return STEP_ROW_BYTES + countBytes(subject, body);
}

export function sum<Item>(items: readonly Item[], bytes: (item: Item) => number): number {
  return items.reduce((total, item) => total + bytes(item), 0);
}
