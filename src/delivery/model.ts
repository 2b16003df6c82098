import { t } from "elysia";
import { ChannelShape, MemberStatus } from "../campaigns/model.ts";
import { Contact } from "../contacts/model.ts";
import { Cursor, Id, Limit, Moment, Nullable } from "../http/model.ts";

/** What the outside knows. A message on its way, or one of which nobody knows what became of it, shows as PENDING. */
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
      "Why it ended as it did or what it waits for. OUTCOME_UNKNOWN: it may or may not have arrived, and waits for a person to say so.",
    examples: ["REPLIED"],
  }),
);
const Stage = t.Number({ description: "0 opens, 1… follow up", examples: [1] });

export const MessageQuery = t.Object({
  cursor: Cursor,
  limit: Limit,
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
  scheduledTime: Moment,
  processedAt: Nullable(Moment),
  attempts: t.Integer(),
  credits: t.Number({ examples: [1] }),
  providerId: Nullable(t.String()),
  errorMessage: ErrorMessage,
  subject: Nullable(t.String({ description: "As it was sent; null before" })),
  text: Nullable(t.String({ description: "As it was sent; null before" })),
});
export type Message = typeof Message.static;

const counts = {
  queued: t.Integer({ description: "Scheduled or on its way" }),
  sent: t.Integer(),
  cancelled: t.Integer(),
  failed: t.Integer(),
  unknown: t.Integer({ description: "It may or may not have arrived" }),
  replied: t.Integer({ description: "Contacts whose conversation ended there with an answer" }),
  optedOut: t.Integer(),
  bounced: t.Integer(),
};
export const StageStats = t.Object({ stage: Stage, ...counts });
export type StageStats = typeof StageStats.static;

const credits = {
  creditReserved: t.Number({ description: "Held for what is scheduled", examples: [40] }),
  creditUsed: t.Number({ examples: [210] }),
};
export const Stats = t.Object({
  success: t.Literal(true),
  stages: t.Array(StageStats),
  total: t.Object({ ...counts, ...credits }),
  contacts: t.Record(MemberStatus, t.Integer(), { description: "How many conversations stand where" }),
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
          nextEligibleAt: Nullable(Moment),
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
  limit: Limit,
  status: t.Optional(WireStatus),
  includeOpening: t.Optional(t.Boolean({ default: false, description: "Also stage 0, which opens a conversation" })),
});

export const OwnFollowUpQuery = t.Object({
  page: Page,
  limit: Limit,
  status: t.Optional(WireStatus),
  campaignId: t.Optional(Id),
  contactId: t.Optional(Id),
  from: t.Optional(t.String({ format: "date-time", description: "Scheduled at this moment or later" })),
  to: t.Optional(t.String({ format: "date-time", description: "Scheduled before this moment" })),
  brandId: t.Optional(Id),
});

export const FollowUp = t.Object({
  id: Id,
  stage: Stage,
  status: WireStatus,
  scheduledTime: Moment,
  processedAt: Nullable(Moment),
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
