import { t } from "elysia";
import { CursorQuery, Id, Nullable, PageLimit, Timestamp } from "../../http/schemas.ts";
import { ChannelShape, MemberStatus } from "../campaigns/model.ts";
import { Contact } from "../contacts/model.ts";

/** The statuses of the API. A message that is being sent, or whose outcome is unknown, has the status PENDING. */
export const WireStatus = t.Union([
  t.Literal("PENDING"),
  t.Literal("SENT"),
  t.Literal("CANCELLED"),
  t.Literal("FAILED"),
]);
export type WireStatus = typeof WireStatus.static;

const ErrorMessage = Nullable(
  t.String({
    description:
      "Why it failed or was cancelled, or what it waits for. OUTCOME_UNKNOWN: it may or may not have arrived; a person resolves it.",
    examples: ["REPLIED"],
  }),
);
const Stage = t.Number({ description: "0 is the initial message, 1 and above are follow-ups", examples: [1] });

export const MessageQuery = t.Object({
  cursor: CursorQuery,
  limit: PageLimit,
  status: t.Optional(WireStatus),
  stage: t.Optional(t.Integer({ minimum: 0, maximum: 19 })),
  channel: t.Optional(ChannelShape),
});

export const Message = t.Object({
  id: Id,
  contactId: Id,
  stage: Stage,
  channel: ChannelShape,
  status: WireStatus,
  scheduledTime: Timestamp,
  processedAt: Nullable(Timestamp),
  attempts: t.Integer(),
  credits: t.Number({ examples: [1] }),
  providerId: Nullable(t.String()),
  errorMessage: ErrorMessage,
  subject: Nullable(t.String({ description: "As sent; null before" })),
  text: Nullable(t.String({ description: "As sent; null before" })),
});
export type Message = typeof Message.static;

const counts = {
  queued: t.Integer({ description: "Scheduled, or being sent" }),
  sent: t.Integer(),
  cancelled: t.Integer(),
  failed: t.Integer(),
  unknown: t.Integer({ description: "They may or may not have arrived" }),
  replied: t.Integer({ description: "Contacts who replied after this stage" }),
  optedOut: t.Integer(),
  bounced: t.Integer(),
};
export const StageStats = t.Object({ stage: Stage, ...counts });
export type StageStats = typeof StageStats.static;

const credits = {
  creditReserved: t.Number({ description: "Held for scheduled messages", examples: [40] }),
  creditUsed: t.Number({ examples: [210] }),
};
export const Stats = t.Object({
  success: t.Literal(true),
  stages: t.Array(StageStats),
  total: t.Object({ ...counts, ...credits }),
  contacts: t.Record(MemberStatus, t.Integer(), { description: "Conversations by status" }),
});

const creditFigures = { ...credits, creditReleased: t.Number({ examples: [12] }) };
export const CampaignCredits = t.Object({
  success: t.Literal(true),
  ...creditFigures,
  byType: t.Array(t.Object({ creditType: t.String({ examples: ["EMAIL"] }), ...creditFigures })),
});

export const Explanation = t.Object({
  success: t.Literal(true),
  contact: Contact,
  status: MemberStatus,
  mode: t.String({ examples: ["AUTO"] }),
  messages: t.Array(
    t.Object({
      id: Id,
      stage: Stage,
      status: WireStatus,
      gates: t.Array(
        t.Object({
          gate: t.String({ examples: ["daily cap"] }),
          verdict: t.Union([t.Literal("PASS"), t.Literal("WAIT"), t.Literal("CANCEL"), t.Literal("FAIL")]),
          detail: Nullable(t.String({ examples: ["its mailbox sent 50 of 50 today"] })),
          nextEligibleAt: Nullable(Timestamp),
        }),
      ),
      nextAction: t.String({ examples: ["It waits until 2026-11-24T05:00:00.000Z: its mailbox sent 50 of 50 today."] }),
    }),
  ),
});
export type Explanation = typeof Explanation.static;

const Page = t.Optional(t.Integer({ minimum: 1, default: 1 }));

export const FollowUpQuery = t.Object({
  page: Page,
  limit: PageLimit,
  status: t.Optional(WireStatus),
  includeOpening: t.Optional(t.Boolean({ default: false, description: "Include stage 0, the initial messages" })),
});

export const OwnFollowUpQuery = t.Object({
  page: Page,
  limit: PageLimit,
  status: t.Optional(WireStatus),
  campaignId: t.Optional(Id),
  contactId: t.Optional(Id),
  from: t.Optional(t.String({ format: "date-time", description: "Scheduled at this time or later" })),
  to: t.Optional(t.String({ format: "date-time", description: "Scheduled before this time" })),
  brandId: t.Optional(Id),
});

export const FollowUp = t.Object({
  id: Id,
  stage: Stage,
  status: WireStatus,
  scheduledTime: Timestamp,
  processedAt: Nullable(Timestamp),
  errorMessage: ErrorMessage,
  conversation: t.Object({
    id: Id,
    brand: t.Object({ id: Id, name: t.String() }),
    campaign: t.Object({ id: Id, name: t.String() }),
    contact: t.Object({
      id: Id,
      email: Nullable(t.String()),
      phone: Nullable(t.String()),
      firstName: Nullable(t.String()),
      lastName: Nullable(t.String()),
    }),
    mode: t.String({ examples: ["AUTO"] }),
  }),
});
export type FollowUp = typeof FollowUp.static;

export const FollowUpPage = t.Object({
  items: t.Array(FollowUp),
  pagination: t.Object({
    limit: t.Number({ examples: [20] }),
    page: t.Number({ examples: [1] }),
    total: t.Number({ examples: [1] }),
    totalPages: t.Number({ examples: [1] }),
  }),
});
