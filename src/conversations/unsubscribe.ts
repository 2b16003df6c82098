import { eq } from "drizzle-orm";
import { ban } from "../bans/bans.ts";
import { brands } from "../db/schema/brands.ts";
import { contacts } from "../db/schema/contacts.ts";
import { conversations } from "../db/schema/conversations.ts";
import type { Reader, Tx } from "../db/store.ts";
import { notFound } from "../fault.ts";
import type { Signer } from "../secrets.ts";

/** The conversation that an unsubscribe link names; null when its signature is not ours. */
export function readUnsubscribeToken(signer: Signer, token: string): string | null {
  const [conversationId = "", signature = ""] = token.split(".");
  return signer.verify(`unsubscribe|${conversationId}`, signature) ? conversationId : null;
}

/** The brand that a conversation belongs to, by name: what the page behind the link shows. */
export async function brandNameOf(read: Reader, conversationId: string): Promise<string | null> {
  const [row] = await read
    .select({ name: brands.name })
    .from(conversations)
    .innerJoin(brands, eq(brands.id, conversations.brandId))
    .where(eq(conversations.id, conversationId));
  return row?.name ?? null;
}

/**
 * A contact used the link (RFC 8058: a POST acts, a GET never does). They go on the brand's ban list; using it again
 * changes nothing. Returns how many messages it stopped.
 */
export async function unsubscribe(tx: Tx, conversationId: string): Promise<number> {
  const [row] = await tx
    .select({ brandId: conversations.brandId, email: contacts.email, phone: contacts.phone })
    .from(conversations)
    .innerJoin(contacts, eq(contacts.id, conversations.contactId))
    .where(eq(conversations.id, conversationId));
  if (!row) throw notFound("conversation", conversationId);
  await tx
    .update(conversations)
    .set({ status: "OPTED_OUT", updatedAt: tx.now })
    .where(eq(conversations.id, conversationId));
  const { cancelled } = await ban(tx, {
    scope: row.brandId,
    email: row.email,
    phone: row.phone,
    source: "UNSUBSCRIBE",
    reason: "used the unsubscribe link",
  });
  return cancelled;
}
