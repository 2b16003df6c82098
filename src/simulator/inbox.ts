import { eq } from "drizzle-orm";
import { messages } from "../db/schema/messages.ts";
import type { Tx } from "../db/store.ts";
import { type ReceivedMessage, receiveInbound } from "../modules/inbox/inbound.ts";
import { unsubscribe } from "../modules/inbox/unsubscribe.ts";
import type { Reaction } from "./personas.ts";
import type { ScheduledReply } from "./world.ts";

const AUTO_HEADERS = { "auto-submitted": "auto-replied" };
const SUBJECTS: Partial<Record<Reaction["kind"], string>> = {
  "auto-reply": "Automatic reply",
  bounce: "Undelivered Mail Returned to Sender",
};
const REPORT = "multipart/report; report-type=delivery-status";

/** Records a simulated reply through the functions that real mail and real clicks use. */
export async function recordReply(
  tx: Tx,
  reply: ScheduledReply,
  options: { hostileBelow: number },
): Promise<ReceivedMessage | null> {
  const { envelope, reaction } = reply;
  const [message] = await tx
    .select({ brandId: messages.brandId, conversationId: messages.conversationId })
    .from(messages)
    .where(eq(messages.id, envelope.messageId));
  if (!message) return null;
  if (reaction.kind === "unsubscribe") {
    const cancelled = await unsubscribe(tx, message.conversationId);
    return { conversationId: message.conversationId, intent: "OPT_OUT", cancelled };
  }
  return receiveInbound(
    tx,
    {
      brandId: message.brandId,
      channel: envelope.channel,
      providerId: reply.id,
      from: envelope.to.address,
      repliesTo: [envelope.messageId],
      subject: SUBJECTS[reaction.kind] ?? `Re: ${envelope.subject ?? ""}`,
      text: reaction.text,
      headers: reaction.kind === "auto-reply" ? AUTO_HEADERS : {},
      ...(reaction.kind === "bounce" ? { contentType: REPORT } : {}),
    },
    options,
  );
}
