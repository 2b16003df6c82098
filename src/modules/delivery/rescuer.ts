import { type SQL, sql } from "drizzle-orm";
import { repeatUntilNone } from "../../db/slices.ts";
import { skipLocked } from "../../db/sql.ts";
import type { Store, Tx } from "../../db/store.ts";
import { isInScope, type TenantScope } from "../../db/tenant-scope.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { advanceCampaigns } from "../campaigns/advance.ts";
import { scheduleFollowUps } from "../campaigns/follow-up-schedule.ts";
import { expireLots } from "../credits/ledger.ts";
import { type MessageStatus, NEVER } from "../messages/model.ts";
import { transition } from "../messages/transitions.ts";

const MESSAGES_PER_TRANSACTION = 200;

/**
 * Sets messages to UNKNOWN whose worker died: it may or may not have sent them. `all` treats every claim as dead, right at
 * the start of the only process on a SQLite file. The cost grows with what was in flight, never with what is pending.
 * Returns how many there were; call again until there are none.
 */
export function rescueExpiredClaims(tx: Tx, all: boolean): Promise<number> {
  return rescueSlice(
    tx,
    "rescue",
    sql`m.status = 'SENDING' and m.lease_until <= ${all ? NEVER : tx.now} order by m.lease_until`,
  );
}

/**
 * Fails messages whose outcome was not resolved in time, and releases their credits. Returns how many; call again until
 * none.
 */
function expireUnknown(tx: Tx): Promise<number> {
  return rescueSlice(tx, "expire", sql`m.status = 'UNKNOWN' and m.run_at <= ${tx.now} order by m.run_at`);
}

async function rescueSlice(tx: Tx, name: "rescue" | "expire", which: SQL): Promise<number> {
  const found = await tx.all<{ id: string }>(
    sql`select m.id from messages m where ${which} limit ${MESSAGES_PER_TRANSACTION} ${skipLocked("m")}`,
  );
  const to = name === "rescue" ? "UNKNOWN" : "FAILED";
  await transition(
    tx,
    name,
    found.map(({ id }) => ({ id, to, reason: "OUTCOME_UNKNOWN" })),
  );
  return found.length;
}

/**
 * Resolves a message whose outcome is unknown, on a person's word. SENT settles its credits and schedules the next stage;
 * NOT_SENT makes it due again now.
 * @throws AppError NOT_FOUND for a message outside of the scope; CONFLICT when the outcome is known
 */
export async function resolveUnknown(
  tx: Tx,
  messageId: string,
  as: "SENT" | "NOT_SENT",
  scope: TenantScope,
): Promise<void> {
  const [row] = await tx.all<{ brand_id: string; sender_id: string | null; status: MessageStatus }>(
    sql`select m.brand_id, m.sender_id, m.status from messages m where m.id = ${messageId}`,
  );
  if (!row || !isInScope(scope, row.brand_id)) throw notFound("message", messageId);
  if (row.status !== "UNKNOWN") throw new AppError("CONFLICT", "The outcome of this message is known");
  const to = as === "SENT" ? "SENT" : "PENDING";
  const resolved = await transition(tx, "resolve", [{ id: messageId, to, reason: null }]);
  if (to === "PENDING") return;
  await scheduleFollowUps(
    tx,
    resolved.map(({ campaignId, conversationId, stage }) => {
      return { campaignId, conversationId, stage, senderId: row.sender_id, sentAt: tx.now };
    }),
  );
}

/** Does the periodic work of delivery beside the rescue: expires unknown outcomes and credit lots, and advances campaigns. */
export async function sweep(store: Store): Promise<void> {
  await repeatUntilNone(() => store.write(expireUnknown));
  await repeatUntilNone(() => store.write(expireLots));
  await repeatUntilNone(() => store.write(advanceCampaigns));
}
