import { eq } from "drizzle-orm";
import { creditWeightChanges, creditWeights } from "../../db/schema/credits.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { CreditType } from "./model.ts";

/** The price of a unit in thousandths of a credit, by channel. */
export type Weights = Record<CreditType, number>;

/** Prices of a new installation: one credit for a mail or an SMS segment, two for a voicemail or a look-up. */
const INITIAL_WEIGHTS: Weights = { EMAIL: 1000, SMS: 1000, VOICEMAIL: 2000, SKIPTRACE: 2000 };

/** The highest price of a unit in credits: far above any real one, and far below the limit of exact sums. */
export const MAX_WEIGHT = 1_000_000;

export async function getWeights(read: Reader): Promise<Weights> {
  const rows = await read.select().from(creditWeights);
  return { ...INITIAL_WEIGHTS, ...Object.fromEntries(rows.map((row) => [row.creditType, row.weight])) };
}

/** Updates a price, records who did it, and returns the previous one. Open holds keep their price. */
export async function updateWeight(
  tx: Tx,
  creditType: CreditType,
  weight: number,
  actorId: string | null = null,
): Promise<number> {
  // Creates and locks the row, so that the second of two concurrent updates starts from the first.
  await tx
    .insert(creditWeights)
    .values({ creditType, weight: INITIAL_WEIGHTS[creditType], updatedAt: tx.now })
    .onConflictDoUpdate({ target: creditWeights.creditType, set: { updatedAt: tx.now } });
  const previous = (await getWeights(tx))[creditType];
  await tx.update(creditWeights).set({ weight }).where(eq(creditWeights.creditType, creditType));
  await tx
    .insert(creditWeightChanges)
    .values({ id: tx.newId(), creditType, previousWeight: previous, weight, actorId, changedAt: tx.now });
  return previous;
}
