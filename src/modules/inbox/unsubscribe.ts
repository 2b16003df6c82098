import { eq } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { contacts } from "../../db/schema/contacts.ts";
import { conversations } from "../../db/schema/conversations.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Signer } from "../../lib/crypto/secrets.ts";
import { notFound } from "../../lib/errors.ts";
import { markOptedOut } from "../conversations/replies.ts";
import { createBan } from "../suppressions/bans.ts";

/** Parses the token of an unsubscribe link. Returns the id of its conversation, or null when the signature is not ours. */
export function parseUnsubscribeToken(signer: Signer, token: string): string | null {
  const [conversationId = "", signature = ""] = token.split(".");
  return signer.verify(`unsubscribe|${conversationId}`, signature) ? conversationId : null;
}

/** Finds the name of the brand that a conversation belongs to, for the page behind the link. */
export async function findBrandName(read: Reader, conversationId: string): Promise<string | null> {
  const [row] = await read
    .select({ name: brands.name })
    .from(conversations)
    .innerJoin(brands, eq(brands.id, conversations.brandId))
    .where(eq(conversations.id, conversationId));
  return row?.name ?? null;
}

/**
 * Puts the contact of a conversation on the brand's ban list, since they used the unsubscribe link (RFC 8058: a POST acts, a GET
 * never does). Doing it twice changes nothing. Returns how many messages were cancelled.
 */
export async function unsubscribe(tx: Tx, conversationId: string): Promise<number> {
  const [row] = await tx
    .select({ brandId: conversations.brandId, email: contacts.email, phone: contacts.phone })
    .from(conversations)
    .innerJoin(contacts, eq(contacts.id, conversations.contactId))
    .where(eq(conversations.id, conversationId));
  if (!row) throw notFound("conversation", conversationId);
  await markOptedOut(tx, conversationId, null);
  const { cancelled } = await createBan(tx, {
    scope: row.brandId,
    email: row.email,
    phone: row.phone,
    source: "UNSUBSCRIBE",
    reason: "used the unsubscribe link",
  });
  return cancelled;
}
