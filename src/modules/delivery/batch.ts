import { dialect } from "../../db/dialect.ts";
import { yieldToEventLoop } from "../../db/slices.ts";
import { forceIndexScans } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Random } from "../../lib/random.ts";
import { MAX_BATCH_STEPS } from "../../lib/templates/limits.ts";
import { getTotalSteps } from "../../lib/templates/render-budget.ts";
import type { Claim } from "./claim.ts";
import { type DeliveryContext, emptyContext } from "./context.ts";
import { type Capacity, chooseDue, type DueMessage } from "./due-messages.ts";
import { lockAccounts, lockSenders } from "./locks.ts";
import { claimBatch } from "./producer.ts";
import type { RenderDeps } from "./render.ts";
import type { Result } from "./result.ts";
import { settleBatch } from "./settler.ts";

/**
 * Rows between two yields: HTTP shares this thread. On Postgres every statement yields, and is a round trip: slices of 200
 * settled 1.4 times as many follow-ups as those of 50.
 */
const SLICE_ROWS = dialect === "postgres" ? 400 : 50;

export interface BatchInput {
  results: readonly Result[];
  capacity: Capacity;
  /** Deadline on the engine's steady clock; see `Claim`. */
  sendBefore: number;
}

export interface BatchOutput {
  /** Number of messages that were due. */
  examined: number;
  /** Results that changed nothing. */
  late: Result[];
}

/**
 * Settles results and claims due messages in one transaction of delivery, because each commit waits for the disk: more
 * rows in one are faster. Locks before it writes, in the order that `locks.ts` describes. Adds the claims to `claims` slice
 * by slice, so that the caller has them even when the commit fails.
 */
export async function runBatch(
  tx: Tx,
  { results, capacity, sendBefore }: BatchInput,
  deps: RenderDeps & { random: Random },
  claims: Claim[],
): Promise<BatchOutput> {
  await forceIndexScans(tx);
  const context = emptyContext();
  const due = capacity.total > 0 ? await chooseDue(tx, capacity) : [];
  const senderIds = due.flatMap((row) => row.sender_id ?? []);
  await lockSenders(tx, [...results.map(({ claim }) => claim.envelope.sender.id), ...senderIds]);
  await lockAccounts(tx, [...results.map(({ claim }) => claim.envelope.messageId), ...due.map(({ id }) => id)]);
  const late: Result[] = [];
  for (let at = 0; at < results.length; at += SLICE_ROWS) {
    late.push(...(await settleBatch(tx, results.slice(at, at + SLICE_ROWS), deps.random, context)));
    await yieldToEventLoop();
  }
  await claimSlices(tx, due, deps, context, sendBefore, claims);
  return { examined: due.length, late };
}

async function claimSlices(
  tx: Tx,
  due: readonly DueMessage[],
  deps: RenderDeps,
  context: DeliveryContext,
  sendBefore: number,
  claims: Claim[],
): Promise<void> {
  const renderedBefore = getTotalSteps();
  for (let at = 0; at < due.length; at += SLICE_ROWS) {
    if (getTotalSteps() - renderedBefore > MAX_BATCH_STEPS) return;
    claims.push(...(await claimBatch(tx, due.slice(at, at + SLICE_ROWS), deps, context, sendBefore)));
    await yieldToEventLoop();
  }
}
