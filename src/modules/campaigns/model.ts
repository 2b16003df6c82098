import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";
import { Contact, CustomFields, DefaultCountry, NewContact, OnDuplicate } from "../contacts/model.ts";

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
  sendWindows: t.Array(WindowShape, {
    maxItems: 50,
    description: "Times at which it sends, in its own zone. Empty: always",
  }),
  startAt: Nullable(Timestamp),
  endAt: Nullable(Timestamp),
  stopOnReply: t.Boolean({ description: "A reply ends the follow-ups of the conversation" }),
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
  t.Object({ version: t.Integer({ minimum: 1, description: "The current version; 409 when it is another" }) }),
]);
export type CampaignChange = typeof CampaignChange.static;

export const Campaign = t.Object({
  id: Id,
  brandId: t.String(),
  status: StatusShape,
  statusReason: Nullable(t.String()),
  ...settings,
  version: t.Integer(),
  launchedAt: Nullable(Timestamp),
  completedAt: Nullable(Timestamp),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Campaign = typeof Campaign.static;

const Delay = t.Object(
  {
    value: t.Integer({ minimum: 0, maximum: 365, examples: [3] }),
    unit: t.Union([t.Literal("MINUTES"), t.Literal("HOURS"), t.Literal("DAYS")]),
  },
  { description: "Wait after the previous stage was sent; for stage 0 after the launch" },
);
export type Delay = typeof Delay.static;

export const StepShape = t.Object({
  stage: t.Integer({ minimum: 0, maximum: 19, description: "0 for the first message, 1 and above for follow-ups" }),
  channel: ChannelShape,
  delay: Delay,
  subject: t.Optional(
    Nullable(
      t.String({ maxLength: 500, description: "Without one, a follow-up continues the thread", examples: ["Hello"] }),
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

export const PreviewRequest = t.Object({
  stage: t.Integer({ minimum: 0, maximum: 19 }),
  contactId: t.Optional(Id),
  sample: t.Optional(
    t.Object({
      firstName: t.Optional(Nullable(t.String({ maxLength: 200, examples: ["Jo"] }))),
      lastName: t.Optional(Nullable(t.String({ maxLength: 200 }))),
      email: t.Optional(Nullable(t.String({ maxLength: 320 }))),
      phone: t.Optional(Nullable(t.String({ maxLength: 64 }))),
      company: t.Optional(Nullable(t.String({ maxLength: 200 }))),
      custom: t.Optional(CustomFields),
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
  joinedAt: Timestamp,
  contact: Contact,
});

export const AddContactsRequest = t.Object({
  contacts: t.Array(NewContact, { minItems: 1, maxItems: 1000 }),
  onDuplicate: OnDuplicate,
  allowActiveElsewhere: t.Optional(
    t.Boolean({ default: false, description: "Also adds contacts who are active in another running campaign" }),
  ),
  defaultCountry: DefaultCountry,
});

const byType = t.Record(t.String(), t.Number(), { examples: [{ EMAIL: 250 }] });

/** The cost of a launch and the credits to pay it. */
export const cost = {
  contacts: t.Number({ examples: [250] }),
  creditNeeded: t.Number({ description: "For the first stage, which is held at launch", examples: [250] }),
  creditAvailable: t.Number({ examples: [200] }),
  creditMissing: t.Number({ description: "Credits to add before the launch, including the debt", examples: [50] }),
  creditDebt: t.Number({
    description: "Refunded credits that were already spent; a launch needs them paid back first",
    examples: [0],
  }),
  byType,
  creditsForAllStages: t.Record(t.String(), t.Number(), {
    description: "The cost of all stages by type, if there are no replies",
    examples: [{ EMAIL: 750 }],
  }),
};

export const Cost = t.Object(cost);
export type Cost = typeof Cost.static;
