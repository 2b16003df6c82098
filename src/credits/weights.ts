import { creditWeights } from "../db/schema/credits.ts";
import type { Reader, Tx } from "../db/store.ts";
import type { CreditType } from "./model.ts";

/** The price of one unit in thousandths of a credit, by channel. */
export type Weights = Record<CreditType, number>;

/** What a fresh installation charges: one credit a mail or a segment, two a voicemail or a look-up. */
const INITIAL: Weights = { EMAIL: 1000, SMS: 1000, VOICEMAIL: 2000, SKIPTRACE: 2000 };

export async function readWeights(read: Reader): Promise<Weights> {
  const rows = await read.select().from(creditWeights);
  return { ...INITIAL, ...Object.fromEntries(rows.map((row) => [row.creditType, row.weight])) };
}

/** Sets a price. Holds that are open keep the price they were made with. Returns the price before. */
export async function changeWeight(tx: Tx, creditType: CreditType, weight: number): Promise<number> {
  const previous = (await readWeights(tx))[creditType];
  await tx
    .insert(creditWeights)
    .values({ creditType, weight, updatedAt: tx.now })
    .onConflictDoUpdate({ target: creditWeights.creditType, set: { weight, updatedAt: tx.now } });
  return previous;
}
