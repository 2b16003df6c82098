import { eq } from "drizzle-orm";
import { creditWeightChanges, creditWeights } from "../db/schema/credits.ts";
import type { Reader, Tx } from "../db/store.ts";
import type { CreditType } from "./model.ts";

/** The price of one unit in thousandths of a credit, by channel. */
export type Weights = Record<CreditType, number>;

/** What a fresh installation charges: one credit a mail or a segment, two a voicemail or a look-up. */
const INITIAL: Weights = { EMAIL: 1000, SMS: 1000, VOICEMAIL: 2000, SKIPTRACE: 2000 };

/** The highest price of a unit: far beyond any real one, and far below where sums lose exactness. Credits. */
export const HIGHEST_WEIGHT = 1_000_000;

export async function readWeights(read: Reader): Promise<Weights> {
  const rows = await read.select().from(creditWeights);
  return { ...INITIAL, ...Object.fromEntries(rows.map((row) => [row.creditType, row.weight])) };
}

/** Sets a price, and notes who did. Holds that are open keep the price they were made with. Returns the price before. */
export async function changeWeight(
  tx: Tx,
  creditType: CreditType,
  weight: number,
  actorId: string | null = null,
): Promise<number> {
  // The row exists and is locked from here on, so that of two changes at once the second starts from the first.
  await tx
    .insert(creditWeights)
    .values({ creditType, weight: INITIAL[creditType], updatedAt: tx.now })
    .onConflictDoUpdate({ target: creditWeights.creditType, set: { updatedAt: tx.now } });
  const previous = (await readWeights(tx))[creditType];
  await tx.update(creditWeights).set({ weight }).where(eq(creditWeights.creditType, creditType));
  await tx
    .insert(creditWeightChanges)
    .values({ id: tx.newId(), creditType, previousWeight: previous, weight, actorId, changedAt: tx.now });
  return previous;
}
