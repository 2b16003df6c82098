import { eq } from "drizzle-orm";
import { type Received, receive } from "../conversations/inbound.ts";
import { unsubscribe } from "../conversations/unsubscribe.ts";
import { messages } from "../db/schema/messages.ts";
import type { Tx } from "../db/store.ts";
import type { Reaction } from "./personas.ts";
import type { Echo } from "./world.ts";

const AUTO_HEADERS = { "auto-submitted": "auto-replied" };
const SUBJECTS: Partial<Record<Reaction["kind"], string>> = {
  "auto-reply": "Automatic reply",
  bounce: "Undelivered Mail Returned to Sender",
};
const REPORT = "multipart/report; report-type=delivery-status";

/** Records a simulated reply through the functions that real mail and real clicks use. */
export async function takeIn(tx: Tx, reply: Echo, options: { hostileBelow: number }): Promise<Received | null> {
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
  return receive(
    tx,
    {
      brandId: message.brandId,
      channel: envelope.channel,
      providerId: reply.id,
      from: envelope.to.address,
      answers: [envelope.messageId],
      subject: SUBJECTS[reaction.kind] ?? `Re: ${envelope.subject ?? ""}`,
      text: reaction.text,
      headers: reaction.kind === "auto-reply" ? AUTO_HEADERS : {},
      ...(reaction.kind === "bounce" ? { contentType: REPORT } : {}),
    },
    options,
  );
}
