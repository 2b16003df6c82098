import { getContactHours } from "../../lib/calendar/quiet-hours.ts";
import { getRecipientZones } from "../../lib/calendar/recipient-zones.ts";
import { findCommonOpening, type SendWindow } from "../../lib/calendar/windows.ts";
import { getStartOfNextDay } from "../../lib/calendar/zones.ts";
import { type Instant, iso, MINUTE } from "../../lib/clock.ts";
import type { Campaign } from "../campaigns/campaign-cache.ts";
import { type CancelReason, NEVER } from "../messages/model.ts";
import type { Brand, DeliveryContext, Sender } from "./context.ts";
import type { DueRow } from "./due-messages.ts";

/** The action for a message at this time, and why. `wait` with NEVER waits for a person or an event. */
export type GateResult =
  | { action: "pass" }
  | { action: "cancel"; reason: CancelReason; detail: string }
  | { action: "fail"; reason: string; detail: string }
  | { action: "wait"; reason: string; until: Instant; detail: string };

export interface GateReport {
  gate: string;
  result: GateResult;
}

interface Case {
  row: DueRow;
  campaign: Campaign | undefined;
  sender: Sender | undefined;
  brand: Brand | undefined;
  now: Instant;
}

const PASS: GateResult = { action: "pass" };
const wait = (reason: string, until: Instant, detail: string): GateResult => ({
  action: "wait",
  reason,
  until,
  detail,
});
const cancel = (reason: CancelReason, detail: string): GateResult => ({ action: "cancel", reason, detail });

/** Time after which a message is due again whose mailbox cannot send for an unknown time. */
const SENDER_RECHECK_MS = 15 * MINUTE;

/**
 * Decides whether a message may leave now, one gate after the other. Every send goes through this list, inside the transaction
 * that claims the message; `explain` shows the same list to people.
 */
const GATES: [name: string, check: (facts: Case) => GateResult][] = [
  [
    "campaign",
    ({ campaign, now }) => {
      switch (campaign?.status) {
        case "RUNNING":
        case "SCHEDULED":
          if (campaign.startAt !== null && campaign.startAt > now)
            return wait("CAMPAIGN_NOT_STARTED", campaign.startAt, `starts ${iso(campaign.startAt)}`);
          if (campaign.endAt !== null && campaign.endAt <= now)
            return cancel("CAMPAIGN_STOPPED", `ended ${iso(campaign.endAt)}`);
          return PASS;
        case "PAUSED":
        case "AUTO_PAUSED":
        case "DRAFT":
          return wait("CAMPAIGN_PAUSED", NEVER, campaign.statusReason ?? "paused by a person");
        default:
          return cancel("CAMPAIGN_STOPPED", `the campaign is ${campaign?.status ?? "deleted"}`);
      }
    },
  ],
  [
    "conversation",
    ({ row, campaign }) => {
      if (row.conversation_status === "REMOVED")
        return cancel("CONTACT_REMOVED", "the contact was removed from the campaign");
      if (row.replied_at !== null && campaign?.stopOnReply !== false)
        return cancel("REPLIED", `answered ${iso(row.replied_at)}`);
      if (row.mode === "MANUAL") return cancel("MANUAL_MODE", "a person took over");
      if (row.conversation_status === "PAUSED") return wait("CONTACT_PAUSED", NEVER, "this contact is paused");
      return PASS;
    },
  ],
  [
    "ban",
    ({ row }) =>
      Number(row.banned) > 0 || row.conversation_status === "OPTED_OUT"
        ? cancel("BANNED", "on the ban list of the brand or the platform")
        : PASS,
  ],
  [
    "address",
    ({ row }) => {
      if (row.channel === "EMAIL" && row.email_bounced_at !== null)
        return cancel("BOUNCED", `mail to this address bounced ${iso(row.email_bounced_at)}`);
      if ((row.channel === "EMAIL" ? row.email : row.phone) === null)
        return {
          action: "fail",
          reason: "NO_ADDRESS",
          detail: row.channel === "EMAIL" ? "the contact has no e-mail address" : "the contact has no phone number",
        };
      return PASS;
    },
  ],
  [
    "sender",
    ({ row, sender, now }) => {
      // Text and voice leave through the brand's own account, not through a mailbox.
      if (row.channel !== "EMAIL") return PASS;
      if (!sender) return wait("NO_SENDER", now + SENDER_RECHECK_MS, "no mailbox is assigned");
      // A mailbox that moved to another brand never carries this brand's messages.
      if (sender.brandId !== row.brand_id)
        return wait("SENDER_REASSIGNED", now + SENDER_RECHECK_MS, "its mailbox belongs to another brand now");
      // A typed address is no evidence: nothing is sent in the name of a mailbox that is not proved.
      if (sender.provedAt === null)
        return wait("SENDER_UNPROVED", now + SENDER_RECHECK_MS, "the ownership of its mailbox is not verified");
      if (!sender.isActive) return wait("SENDER_INACTIVE", now + SENDER_RECHECK_MS, "its mailbox is switched off");
      if (sender.pausedUntil !== null && sender.pausedUntil > now)
        return wait("SENDER_PAUSED", sender.pausedUntil, sender.pausedReason ?? "its mailbox waits");
      if (sender.connectionStatus === "DISCONNECTED" || sender.connectionStatus === "REAUTH_REQUIRED")
        return wait("SENDER_DISCONNECTED", now + SENDER_RECHECK_MS, "its mailbox is not connected");
      return PASS;
    },
  ],
  [
    "hours",
    ({ row, campaign, brand, now }) => {
      if (!campaign) return PASS;
      const contactZone = row.contact_zone;
      const quiet = getContactHours(
        row.channel,
        getRecipientZones({ contactZone, phone: row.phone, brandZone: brand?.timezone ?? "UTC" }),
      );
      const opening = findCommonOpening(
        [...quiet, { windows: campaign.sendWindows as SendWindow[], zone: contactZone ?? campaign.timezone }],
        now,
      );
      if (opening === now) return PASS;
      return opening === null
        ? {
            action: "fail",
            reason: "NO_SENDING_HOURS",
            detail: "the sending windows and the contact's quiet hours never meet",
          }
        : wait("OUTSIDE_SENDING_HOURS", opening, `opens ${iso(opening)}`);
    },
  ],
  [
    "daily cap",
    ({ sender, now }) => {
      if (!sender || sender.sendsToday < sender.cap) return PASS;
      return wait(
        "DAILY_CAP",
        getStartOfNextDay(sender.timezone, now),
        `its mailbox sent ${sender.sendsToday} of ${sender.cap} today${sender.warming ? ", while it warms up" : ""}`,
      );
    },
  ],
  [
    "credits",
    ({ row }) =>
      Number(row.held) >= row.credits ? PASS : wait("INSUFFICIENT_CREDITS", NEVER, "the brand is short of credits"),
  ],
];

function toCase(row: DueRow, context: DeliveryContext, now: Instant): Case {
  const sender = row.sender_id === null ? undefined : context.senders.get(row.sender_id);
  return {
    row,
    campaign: context.campaigns.get(row.campaign_id),
    sender,
    brand: context.brands.get(row.brand_id),
    now,
  };
}

/** Returns the result of the first gate that does not pass, or a pass. */
export function evaluate(row: DueRow, context: DeliveryContext, now: Instant): GateResult {
  const facts = toCase(row, context, now);
  for (const [, check] of GATES) {
    const result = check(facts);
    if (result.action !== "pass") return result;
  }
  return PASS;
}

/** Returns the result of every gate, to explain a message to a person. */
export function evaluateAll(row: DueRow, context: DeliveryContext, now: Instant): GateReport[] {
  const facts = toCase(row, context, now);
  return GATES.map(([gate, check]) => ({ gate, result: check(facts) }));
}
