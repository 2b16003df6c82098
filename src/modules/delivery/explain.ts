import { asc, eq } from "drizzle-orm";
import { messages } from "../../db/schema/messages.ts";
import type { Reader } from "../../db/store.ts";
import { SYSTEM, tenantScope } from "../../db/tenant-scope.ts";
import { type Instant, iso } from "../../lib/clock.ts";
import type { CampaignRow } from "../campaigns/campaigns.ts";
import { getMemberConversation } from "../campaigns/member-status.ts";
import { getContact, toContact } from "../contacts/contacts.ts";
import { NEVER, toWireStatus } from "../messages/model.ts";
import { emptyContext, loadContext } from "./context.ts";
import { findRow } from "./due-messages.ts";
import { evaluateAll, type GateReport } from "./gate.ts";
import type { Explanation } from "./model.ts";

type Row = typeof messages.$inferSelect;
type ExplainedMessage = Explanation["messages"][number];

const SCHEDULED = "SCHEDULED";
const SHOWN = { pass: "PASS", wait: "WAIT", cancel: "CANCEL", fail: "FAIL" } as const;

/** Explains, gate by gate, why the messages of a contact have not been sent, and the next step of each. Changes nothing. */
export async function explain(
  read: Reader,
  campaign: CampaignRow,
  contactId: string,
  now: Instant,
): Promise<Omit<Explanation, "success">> {
  const { id, status, mode } = await getMemberConversation(read, campaign.id, contactId);
  const contact = toContact(await getContact(read, contactId, tenantScope(SYSTEM, campaign.brandId)));
  const rows = await read.select().from(messages).where(eq(messages.conversationId, id)).orderBy(asc(messages.stage));
  const explained: ExplainedMessage[] = [];
  for (const row of rows) {
    const reports = row.status === "PENDING" ? await evaluateNow(read, row, now) : [];
    explained.push({
      id: row.id,
      stage: row.stage,
      status: toWireStatus(row.status),
      gates: reports.map(toGate),
      nextAction: row.status === "PENDING" ? nextAction(row, reports, now) : explainStatus(row),
    });
  }
  return { contact, status, mode, messages: explained };
}

/** Returns the results of all gates, after that of the schedule: a message is not evaluated before its time. */
async function evaluateNow(read: Reader, row: Row, now: Instant): Promise<GateReport[]> {
  const due = await findRow(read, row.id);
  if (!due) return [];
  const until = row.scheduledTime;
  const planned: GateReport = {
    gate: "schedule",
    result:
      until > now
        ? { action: "wait", reason: SCHEDULED, until, detail: `planned for ${iso(until)}` }
        : { action: "pass" },
  };
  const context = emptyContext();
  await loadContext(read, context, [due], now);
  return [planned, ...evaluateAll(due, context, now)];
}

function toGate({ gate, result }: GateReport): ExplainedMessage["gates"][number] {
  const waits = result.action === "wait" && result.until < NEVER;
  return {
    gate,
    verdict: SHOWN[result.action],
    detail: result.action === "pass" ? null : result.detail,
    nextEligibleAt: waits ? iso(result.until) : null,
  };
}

function nextAction(row: Row, reports: readonly GateReport[], now: Instant): string {
  const results = reports.map(({ result }) => result);
  const over = results.find((result) => result.action === "cancel" || result.action === "fail");
  if (over) {
    const ending = over.action === "cancel" ? "cancelled" : "failed";
    return `It will be ${ending} (${over.reason}) when it is due: ${over.detail}.`;
  }
  const waits = results.filter((result) => result.action === "wait");
  const parked = waits.find((result) => result.until === NEVER);
  if (parked) return `It waits for a person: ${parked.detail}.`;
  const longest = waits.toSorted((a, b) => b.until - a.until)[0];
  const until = Math.max(row.runAt === NEVER ? now : row.runAt, longest?.until ?? now);
  if (longest?.reason === SCHEDULED && longest.until === until) return `It is planned for ${iso(until)}.`;
  if (longest && longest.until === until) return `It waits until ${iso(until)}: ${longest.detail}.`;
  if (until > now) return `It is tried again at ${iso(until)}${row.errorMessage ? `, after ${row.errorMessage}` : ""}.`;
  return "It is sent next.";
}

function explainStatus({ id, status, processedAt, runAt, errorMessage }: Row): string {
  const when = iso(processedAt ?? runAt);
  switch (status) {
    case "SENT":
      return `It was sent at ${when}.`;
    case "CANCELLED":
      return `It was cancelled at ${when} (${errorMessage}) and will not be sent.`;
    case "FAILED":
      return `It failed at ${when} (${errorMessage}) and will not be sent again.`;
    case "UNKNOWN":
      return `It may or may not have arrived. Resolve it by ${when} (POST /api/campaigns/outcome-unknown/${id}/resolve), or it counts as failed.`;
    default:
      return "It is being sent.";
  }
}
