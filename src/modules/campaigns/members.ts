import { and, asc, eq, gt, inArray, lte, sql } from "drizzle-orm";
import { contacts } from "../../db/schema/contacts.ts";
import { conversations } from "../../db/schema/conversations.ts";
import { SCAN_SLICE_ROWS } from "../../db/sliced-scan.ts";
import { idTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";
import type { ContactRow } from "../contacts/contacts.ts";
import type { ParsedRow } from "../contacts/parse-contact.ts";
import { SEARCH_SLICE_ENTRIES } from "../contacts/search.ts";
import { type RowResult, upsertContacts } from "../contacts/upsert.ts";
import { createConversations } from "../conversations/lifetime.ts";
import { CONVERSATION_ROW_BYTES } from "../limits/bytes.ts";
import { addUsage, getRemainingQuota, quotaMessage } from "../limits/usage.ts";
import type { CampaignRow } from "./campaigns.ts";
import type { NewMember } from "./initial-messages.ts";

export type ConversationRow = typeof conversations.$inferSelect;

/** Schedules the first messages of contacts added after the launch, in the transaction that enrolls them. */
export type ScheduleNewMembers = (tx: Tx, campaign: CampaignRow, newMembers: readonly NewMember[]) => Promise<unknown>;

/** `added` means new to the campaign; the contact may have existed in the brand. */
export interface MemberOutcome extends Omit<RowResult, "verdict"> {
  verdict: RowResult["verdict"] | "active_elsewhere";
}

export interface AddOptions {
  onDuplicate: "SKIP" | "UPDATE";
  /** Adds contacts who are active in another running campaign of the brand. */
  allowActiveElsewhere: boolean;
}

/** @throws AppError CONFLICT when contacts can no longer be added to the campaign */
export function assertAcceptsContacts(campaign: CampaignRow): void {
  if (["DRAFT", "SCHEDULED", "RUNNING", "PAUSED"].includes(campaign.status)) return;
  throw new AppError("CONFLICT", `The campaign is ${campaign.status}: contacts cannot be added now`);
}

/**
 * Adds contacts to a brand and to one of its campaigns, up to a thousand at a time. The campaign must be locked
 * (`lockCampaign`), so that either a launch schedules them or `schedule` does.
 */
export async function addContacts(
  tx: Tx,
  campaign: CampaignRow,
  rows: readonly ParsedRow[],
  options: AddOptions,
  schedule: ScheduleNewMembers,
): Promise<{ outcomes: MemberOutcome[]; enrolled: number }> {
  const outcomes = await upsertContacts(tx, campaign.brandId, rows, options.onDuplicate);
  const contactIds = [...new Set(outcomes.flatMap((outcome) => outcome.contactId ?? []))];
  const members = await findMemberIds(tx, campaign.id, contactIds);
  const elsewhere = options.allowActiveElsewhere ? new Set() : await findActiveElsewhere(tx, campaign, contactIds);

  const joining = new Set<string>();
  const bytes = await getRemainingQuota(tx, campaign.brandId, "storedBytes");
  const places = Math.floor(bytes.left / CONVERSATION_ROW_BYTES);
  const results = outcomes.map((outcome): MemberOutcome => {
    const { contactId, verdict } = outcome;
    if (contactId === null || members.has(contactId) || joining.has(contactId)) {
      return verdict === "duplicate" ? { ...outcome, message: outcome.message ?? "Already in this campaign" } : outcome;
    }
    if (elsewhere.has(contactId)) {
      return { ...outcome, verdict: "active_elsewhere", message: "The contact is active in another running campaign" };
    }
    if (joining.size >= places) {
      return { ...outcome, verdict: "quota", message: quotaMessage("storedBytes", bytes.limit) };
    }
    joining.add(contactId);
    return verdict === "duplicate"
      ? { ...outcome, verdict: "added", message: "The contact existed in the brand and was added unchanged" }
      : outcome;
  });
  const newMembers = await enrollContacts(tx, campaign, [...joining]);
  if (newMembers.length > 0 && campaign.status !== "DRAFT") await schedule(tx, campaign, newMembers);
  return { outcomes: results, enrolled: newMembers.length };
}

/** Creates a conversation for each contact without one and returns the new ones. Schedules nothing. */
async function enrollContacts(tx: Tx, campaign: CampaignRow, contactIds: readonly string[]): Promise<NewMember[]> {
  if (contactIds.length === 0) return [];
  const newMembers = await createConversations(tx, campaign, contactIds);
  await addUsage(tx, campaign.brandId, "storedBytes", newMembers.length * CONVERSATION_ROW_BYTES);
  return newMembers;
}

async function findMemberIds(tx: Tx, campaignId: string, contactIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.all<{ id: string }>(sql`select n.id from ${idTable("n", contactIds)}
    cross join conversations v where v.campaign_id = ${campaignId} and v.contact_id = n.id`);
  return new Set(rows.map((row) => row.id));
}

async function findActiveElsewhere(tx: Tx, campaign: CampaignRow, contactIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.all<{ id: string }>(sql`select n.id from ${idTable("n", contactIds)}
    cross join conversations v cross join campaigns c where v.contact_id = n.id and v.status = 'ACTIVE'
    and v.campaign_id <> ${campaign.id} and c.id = v.campaign_id and c.status = 'RUNNING'`);
  return new Set(rows.map((row) => row.id));
}

/** A contact in a campaign. */
export interface Member {
  conversation: ConversationRow;
  contact: ContactRow;
}

/** Returns those of at most one search slice of contacts that are in the campaign, by their id. */
export async function findMembers(
  read: Reader,
  campaignId: string,
  status: ConversationRow["status"] | undefined,
  found: readonly ContactRow[],
): Promise<Map<string, Member>> {
  const [last] = found.slice(-1);
  if (last === undefined) return new Map();
  // Padded to the size of a slice, so that one prepared statement serves every number.
  const ids = Array.from({ length: SEARCH_SLICE_ENTRIES }, (_, at) => (found[at] ?? last).id);
  const rows = await read
    .select()
    .from(conversations)
    .where(
      and(
        eq(conversations.campaignId, campaignId),
        inArray(conversations.contactId, ids),
        status === undefined ? undefined : eq(conversations.status, status),
      ),
    );
  const byContact = new Map(rows.map((row) => [row.contactId, row]));
  return new Map(
    found.flatMap((contact) => {
      const conversation = byContact.get(contact.id);
      return conversation ? [[contact.id, { conversation, contact }] as const] : [];
    }),
  );
}

/** Lists the contacts of a campaign in the order they were added, after the conversation with id `after`. */
export async function listMembers(
  read: Reader,
  campaignId: string,
  options: {
    status: ConversationRow["status"] | undefined;
    after: string | null;
    /** The last id of the slice, inclusive. */
    upTo: string | null;
    limit: number;
  },
): Promise<Member[]> {
  return read
    .select({ conversation: conversations, contact: contacts })
    .from(conversations)
    .innerJoin(contacts, eq(contacts.id, conversations.contactId))
    .where(
      and(
        eq(conversations.campaignId, campaignId),
        options.status === undefined ? undefined : eq(conversations.status, options.status),
        options.after === null ? undefined : gt(conversations.id, options.after),
        options.upTo === null ? undefined : lte(conversations.id, options.upTo),
      ),
    )
    .orderBy(asc(conversations.id))
    .limit(options.limit);
}

/** Returns the id of the last conversation of the next slice, of any status; null when fewer remain. */
export async function findSliceEnd(read: Reader, campaignId: string, after: string | null): Promise<string | null> {
  const [row] = await read
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.campaignId, campaignId), after === null ? undefined : gt(conversations.id, after)))
    .orderBy(asc(conversations.id))
    .limit(1)
    .offset(SCAN_SLICE_ROWS - 1);
  return row?.id ?? null;
}
