import { t } from "elysia";
import { CursorQuery, Id, Nullable, PageLimit, Timestamp } from "../../http/schemas.ts";
import { ChannelShape, MemberStatus } from "../campaigns/model.ts";
import { Contact } from "../contacts/model.ts";

const Mode = t.Union([t.Literal("AUTO"), t.Literal("MANUAL")], {
  description: "AUTO: the engine continues. MANUAL: a person took over",
});

export const ConversationQuery = t.Object({
  cursor: CursorQuery,
  limit: PageLimit,
  mode: t.Optional(Mode),
  status: t.Optional(MemberStatus),
  unread: t.Optional(t.Boolean()),
  campaignId: t.Optional(Id),
  brandId: t.Optional(Id),
});

export const Conversation = t.Object({
  id: Id,
  brandId: t.String(),
  campaign: t.Object({ id: Id, name: t.String() }),
  contact: t.Object({
    id: Id,
    email: Nullable(t.String()),
    phone: Nullable(t.String()),
    firstName: Nullable(t.String()),
    lastName: Nullable(t.String()),
  }),
  mode: Mode,
  status: MemberStatus,
  unread: t.Boolean(),
  sentimentScore: Nullable(
    t.Number({ minimum: -1, maximum: 1, description: "Of the latest reply; negative is hostile" }),
  ),
  repliedAt: Nullable(Timestamp),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Conversation = typeof Conversation.static;

const Intent = t.Union([
  t.Literal("REPLY"),
  t.Literal("OPT_OUT"),
  t.Literal("OPT_IN"),
  t.Literal("HOSTILE"),
  t.Literal("AUTO_REPLY"),
  t.Literal("BOUNCE"),
]);

const messageFields = {
  id: Id,
  channel: ChannelShape,
  at: Timestamp,
  subject: Nullable(t.String()),
};

export const Outbound = t.Object({
  direction: t.Literal("OUTBOUND"),
  ...messageFields,
  text: Nullable(t.String({ description: "As sent; null before" })),
  stage: t.Integer(),
  status: t.Union([t.Literal("PENDING"), t.Literal("SENT"), t.Literal("CANCELLED"), t.Literal("FAILED")]),
  errorMessage: Nullable(t.String()),
});
export type Outbound = typeof Outbound.static;

export const Inbound = t.Object({
  direction: t.Literal("INBOUND"),
  ...messageFields,
  text: t.String(),
  intent: Intent,
  sentimentScore: Nullable(t.Number()),
});
export type Inbound = typeof Inbound.static;

export const OneConversation = t.Object({
  success: t.Literal(true),
  conversation: Conversation,
  contact: Contact,
  messages: t.Array(t.Union([Outbound, Inbound])),
});

export const ModeChange = t.Object({
  mode: Mode,
  reason: t.Optional(t.String({ maxLength: 300, description: "For the log", examples: ["I call them myself"] })),
});

export const ModeChanged = t.Object({
  success: t.Literal(true),
  message: t.String({ examples: ["Pending messages are cancelled and their credits are released"] }),
  cancelledFollowUps: t.Integer({ examples: [1] }),
});

export const InboundRecord = t.Object({
  channel: ChannelShape,
  text: t.String({ minLength: 1, maxLength: 100_000, pattern: "\\S", examples: ["Call me tomorrow at ten"] }),
  subject: t.Optional(Nullable(t.String({ maxLength: 500 }))),
});
export type InboundRecord = typeof InboundRecord.static;

export const InboundRecorded = t.Object({
  success: t.Literal(true),
  intent: Intent,
  cancelled: t.Integer({ description: "How many messages were cancelled", examples: [1] }),
});
