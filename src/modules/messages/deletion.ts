import { sql } from "drizzle-orm";
import { forEachPage, SLICE_ROWS } from "../../db/slices.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { MessageStatus } from "./model.ts";
import { updateTallies } from "./tallies.ts";

interface DeletedMessage {
  stage: number;
  status: MessageStatus;
  attempts: number;
  scheduledTime: Instant;
}

function assertNotSent({ status, attempts }: DeletedMessage): void {
  if (["PENDING", "SENDING", "UNKNOWN"].includes(status))
    throw new AppError("CONFLICT", "Messages of this campaign are still being sent: try again later");
  if (attempts > 0)
    throw new AppError(
      "CONFLICT",
      "The campaign has sent messages, and their unsubscribe links must keep working: archive it instead",
    );
}

/**
 * Deletes the messages of a campaign and their counters, a slice at a time.
 * @throws AppError CONFLICT when a message is being sent or may have left; the transaction has to be undone then
 */
export async function deleteCampaignMessages(tx: Tx, campaignId: string): Promise<void> {
  const page = (after: string) =>
    tx.all<{ id: string }>(sql`select id from messages where campaign_id = ${campaignId} and id > ${after}
      order by id limit ${SLICE_ROWS}`);
  await forEachPage(page, async (ids) => {
    const deleted = await tx.all<DeletedMessage>(sql`delete from messages
      where id in (select n.id from ${valuesTable("n", ids, { id: "text" })})
      returning stage, status, attempts, scheduled_time as "scheduledTime"`);
    for (const message of deleted) assertNotSent(message);
    await updateTallies(
      tx,
      deleted.map(({ stage, status, scheduledTime }) => ({ stage, status, scheduledTime, delta: -1 })),
    );
  });
  await tx.all(sql`delete from message_counts where campaign_id = ${campaignId}`);
}
