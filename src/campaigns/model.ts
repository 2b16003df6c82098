import { t } from "elysia";
import { Contact, Custom, DefaultCountry, NewContact, OnDuplicate } from "../contacts/model.ts";
import { Id, Moment, Nullable } from "../http/model.ts";

export const ChannelShape = t.Union([t.Literal("EMAIL"), t.Literal("SMS"), t.Literal("VOICEMAIL")]);

export const StatusShape = t.Union([
  t.Literal("DRAFT"),
  t.Literal("SCHEDULED"),
  t.Literal("RUNNING"),
  t.Literal("PAUSED"),
  t.Literal("AUTO_PAUSED"),
  t.Literal("COMPLETED"),
  t.Literal("CANCELLED"),
  t.Literal("ARCHIVED"),
]);

const WindowShape = t.Object({
  days: t.Array(t.String({ maxLength: 3 }), { maxItems: 7, examples: [["MON", "TUE", "WED", "THU", "FRI"]] }),
  from: t.String({ maxLength: 5, examples: ["09:00"] }),
  to: t.String({ maxLength: 5, examples: ["17:30"] }),
});

const settings = {
  name: t.String({ minLength: 1, maxLength: 200, pattern: "\\S", examples: ["Dentists in Springfield"] }),
  channels: t.Array(ChannelShape, { minItems: 1, maxItems: 3, uniqueItems: true, examples: [["EMAIL"]] }),
  timezone: t.String({ maxLength: 64, description: "IANA name", examples: ["America/New_York"] }),
  sendWindows: t.Array(WindowShape, { maxItems: 50, description: "When it sends, by its own zone. None: always." }),
  startAt: Nullable(Moment),
  endAt: Nullable(Moment),
  stopOnReply: t.Boolean({ description: "An answer ends the conversation's follow-ups" }),
};

export const NewCampaign = t.Object({
  name: settings.name,
  channels: t.Optional(settings.channels),
  timezone: t.Optional(settings.timezone),
  sendWindows: t.Optional(settings.sendWindows),
  startAt: t.Optional(settings.startAt),
  endAt: t.Optional(settings.endAt),
  stopOnReply: t.Optional(settings.stopOnReply),
  brandId: t.Optional(Id),
});
export type NewCampaign = typeof NewCampaign.static;

export const CampaignChange = t.Composite([
  t.Partial(t.Object(settings)),
  t.Object({ version: t.Integer({ minimum: 1, description: "The version that was read: 409 when it is stale" }) }),
]);
export type CampaignChange = typeof CampaignChange.static;

export const Campaign = t.Object({
  id: Id,
  brandId: t.String(),
  status: StatusShape,
  statusReason: Nullable(t.String()),
  ...settings,
  version: t.Integer(),
  launchedAt: Nullable(Moment),
  completedAt: Nullable(Moment),
  createdAt: Moment,
  updatedAt: Moment,
});
export type Campaign = typeof Campaign.static;

const Delay = t.Object(
  {
    value: t.Integer({ minimum: 0, maximum: 365, examples: [3] }),
    unit: t.Union([t.Literal("MINUTES"), t.Literal("HOURS"), t.Literal("DAYS")]),
  },
  { description: "After the stage before it was sent; for stage 0 after launch" },
);
export type Delay = typeof Delay.static;

export const StepShape = t.Object({
  stage: t.Integer({ minimum: 0, maximum: 19, description: "0 opens, 1… follow up" }),
  channel: ChannelShape,
  delay: Delay,
  subject: t.Optional(
    Nullable(
      t.String({ maxLength: 500, description: "A follow-up without one answers in the thread", examples: ["Hello"] }),
    ),
  ),
  body: t.String({
    minLength: 1,
    maxLength: 65_536,
    pattern: "\\S",
    description: "A Liquid template, plain text or HTML",
    examples: ["Hi {{ firstName | default: 'there' }},\n\nmay I ask you something?"],
  }),
});
export type StepShape = typeof StepShape.static;

export const CountsShape = t.Object({
  PENDING: t.Integer(),
  SENT: t.Integer(),
  CANCELLED: t.Integer(),
  FAILED: t.Integer(),
});

export const PreviewOrder = t.Object({
  stage: t.Integer({ minimum: 0, maximum: 19 }),
  contactId: t.Optional(Id),
  sample: t.Optional(
    t.Object({
      firstName: t.Optional(Nullable(t.String({ maxLength: 200, examples: ["Jo"] }))),
      lastName: t.Optional(Nullable(t.String({ maxLength: 200 }))),
      email: t.Optional(Nullable(t.String({ maxLength: 320 }))),
      phone: t.Optional(Nullable(t.String({ maxLength: 64 }))),
      company: t.Optional(Nullable(t.String({ maxLength: 200 }))),
      custom: t.Optional(Custom),
    }),
  ),
});

export const MemberStatus = t.Union([
  t.Literal("QUEUED"),
  t.Literal("ACTIVE"),
  t.Literal("PAUSED"),
  t.Literal("REPLIED"),
  t.Literal("COMPLETED"),
  t.Literal("BOUNCED"),
  t.Literal("OPTED_OUT"),
  t.Literal("FAILED"),
  t.Literal("REMOVED"),
]);

export const Member = t.Object({
  conversationId: Id,
  status: MemberStatus,
  mode: t.String({ examples: ["AUTO"] }),
  joinedAt: Moment,
  contact: Contact,
});

export const AddContactsOrder = t.Object({
  contacts: t.Array(NewContact, { minItems: 1, maxItems: 1000 }),
  onDuplicate: OnDuplicate,
  allowActiveElsewhere: t.Optional(
    t.Boolean({ default: false, description: "Also those whom another running campaign is writing to" }),
  ),
  defaultCountry: DefaultCountry,
});

const byType = t.Record(t.String(), t.Number(), { examples: [{ EMAIL: 250 }] });

/** What a launch costs, and what is there to pay it; in credits. */
export const cost = {
  contacts: t.Number({ examples: [250] }),
  creditNeeded: t.Number({ description: "For the opening stage, which is paid at launch", examples: [250] }),
  creditAvailable: t.Number({ examples: [200] }),
  creditMissing: t.Number({ description: "What has to come in first, a debt included", examples: [50] }),
  creditDebt: t.Number({
    description: "Refunded, but spent before: nothing is launched until it is paid",
    examples: [0],
  }),
  byType,
  creditsForAllStages: t.Record(t.String(), t.Number(), {
    description: "What all stages would cost by type if nobody answers",
    examples: [{ EMAIL: 750 }],
  }),
};

export const Cost = t.Object(cost);
export type Cost = typeof Cost.static;
