import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";

const DisplayName = Nullable(
  t.String({ maxLength: 120, pattern: "^[^\\u0000-\\u001f\\u007f]*$", examples: ["Ann from Northwind"] }),
);
const DailyLimit = t.Integer({
  minimum: 1,
  maximum: 10_000,
  default: 50,
  description: "Maximum mails a day, by the mailbox's time zone",
});
const Timezone = t.String({ maxLength: 64, description: "IANA name", examples: ["America/New_York"] });
const AllowUnverified = t.Boolean({
  default: false,
  description: "Stores the login even when the connection test fails",
});

const Secret = (maxLength: number) => t.String({ minLength: 1, maxLength });

const AccountType = t.Union([t.Literal("OAUTH"), t.Literal("SERVICE_ACCOUNT"), t.Literal("SMTP")], {
  description: "Optional: derived from the credentials",
  examples: ["SMTP"],
});

const loginFields = {
  host: t.Optional(
    t.String({
      minLength: 1,
      maxLength: 253,
      description: "Required for provider SMTP, as are port and security",
      examples: ["smtp.northwind.example"],
    }),
  ),
  port: t.Optional(t.Integer({ minimum: 1, maximum: 65_535, description: "25, 465, 587 or 2525", examples: [587] })),
  security: t.Optional(
    t.Union([t.Literal("TLS"), t.Literal("STARTTLS"), t.Literal("NONE")], {
      description:
        "TLS from the first byte (465), STARTTLS required (587), or none: only where private hosts are allowed",
      examples: ["STARTTLS"],
    }),
  ),
  username: t.Optional(
    Nullable(
      t.String({ minLength: 1, maxLength: 320, description: "Defaults to the address when a password is given" }),
    ),
  ),
  password: t.Optional(
    Nullable(t.String({ minLength: 1, maxLength: 1000, description: "Stored encrypted, never returned" })),
  ),
  oauth: t.Optional(
    t.Object(
      {
        clientId: Secret(500),
        clientSecret: Secret(500),
        refreshToken: Secret(2048),
      },
      { description: "GMAIL only: an OAuth client and its refresh token for this mailbox. Stored encrypted." },
    ),
  ),
  serviceAccountKey: t.Optional(
    t.Object(
      { client_email: Secret(320), private_key: Secret(8192) },
      { description: "GMAIL only: the JSON key of a service account with domain-wide delegation. Stored encrypted." },
    ),
  ),
};

export const NewEmailAccount = t.Object({
  email: t.String({ minLength: 3, maxLength: 320, examples: ["ann@northwind.example"] }),
  provider: t.Optional(t.Union([t.Literal("SMTP"), t.Literal("GMAIL")], { default: "SMTP", examples: ["SMTP"] })),
  accountType: t.Optional(AccountType),
  displayName: t.Optional(DisplayName),
  ...loginFields,
  dailyLimit: t.Optional(DailyLimit),
  timezone: t.Optional(Timezone),
  brandId: t.Optional(Id),
  allowUnverified: t.Optional(AllowUnverified),
});
export type NewEmailAccount = typeof NewEmailAccount.static;

export const EmailAccountUpdate = t.Partial(
  t.Object({
    displayName: DisplayName,
    ...loginFields,
    dailyLimit: t.Integer({ minimum: 1, maximum: 10_000 }),
    timezone: Timezone,
    isActive: t.Boolean({ description: "False switches the mailbox off: nothing is sent from it" }),
    warmup: t.Union([t.Literal("START"), t.Literal("PAUSE"), t.Literal("RESUME"), t.Literal("STOP")], {
      description:
        "The warm-up allows 10 mails on its first day and about a quarter more on each following day, until dailyLimit is reached. While it is paused, the allowed number stays the same.",
    }),
    allowUnverified: AllowUnverified,
  }),
);
export type GmailCredentials = Pick<EmailAccountUpdate, "oauth" | "serviceAccountKey" | "password">;
export type EmailAccountUpdate = typeof EmailAccountUpdate.static;

export const EmailAccount = t.Object({
  id: Id,
  brandId: Nullable(t.String()),
  email: t.String(),
  displayName: Nullable(t.String()),
  provider: t.String({ examples: ["SMTP"], description: "GMAIL or SMTP" }),
  accountType: t.String({ examples: ["SMTP"], description: "OAUTH, SERVICE_ACCOUNT or SMTP" }),
  host: Nullable(t.String()),
  port: Nullable(t.Number()),
  security: Nullable(t.String()),
  username: Nullable(t.String()),
  hasPassword: t.Boolean({ description: "True when a password or a Google credential is stored" }),
  connectionStatus: t.String({ examples: ["CONNECTED"] }),
  connectionError: Nullable(t.String()),
  isActive: t.Boolean(),
  isProved: t.Boolean({
    description:
      "True after a login with a password or a token has worked, or an admin has tested the mailbox. Until then nothing is sent from it, and other brands can prove that the address is theirs.",
  }),
  dailyLimit: t.Integer(),
  warmupStatus: t.String({ examples: ["NOT_STARTED"], description: "NOT_STARTED, WARMING, PAUSED or COMPLETED" }),
  todaysLimit: t.Integer({ description: "Mails allowed today: dailyLimit, or less during warm-up" }),
  workspaceDomain: Nullable(t.String({ description: "The Google Workspace domain of the mailbox" })),
  isWorkspaceAccount: t.Boolean(),
  timezone: t.String(),
  pausedUntil: Nullable(Timestamp),
  pausedReason: Nullable(t.String()),
  lastUsedAt: Nullable(Timestamp),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type EmailAccount = typeof EmailAccount.static;

const VoicemailName = t.String({
  minLength: 1,
  maxLength: 120,
  pattern: "^(?!\\s*$)[^\\u0000-\\u001f\\u007f]*$",
  examples: ["Northwind 0143"],
});

export const PhoneNumber = t.String({
  minLength: 1,
  maxLength: 64,
  description: "International number, in E.164 or a format that can be converted to it",
  examples: ["+12025550143"],
});

export const NewVoicemailAccount = t.Object({
  phoneNumber: PhoneNumber,
  displayName: t.Optional(VoicemailName),
  brandId: t.Optional(Id),
});
export type NewVoicemailAccount = typeof NewVoicemailAccount.static;

export const VoicemailAccountUpdate = t.Partial(t.Object({ displayName: VoicemailName, isActive: t.Boolean() }));
export type VoicemailAccountUpdate = typeof VoicemailAccountUpdate.static;

export const VoicemailAccount = t.Object({
  id: Id,
  brandId: Id,
  phoneNumber: t.String({ examples: ["+12025550143"] }),
  displayName: t.String({ examples: ["Northwind 0143"] }),
  provider: t.String({ examples: ["TWILIO"] }),
  isActive: t.Boolean(),
  isProved: t.Boolean({ description: "True after an admin has confirmed that the number is this brand's" }),
  inactiveReason: Nullable(
    t.String({ description: "Why the number is off, when the brand did not switch it off itself" }),
  ),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type VoicemailAccount = typeof VoicemailAccount.static;
