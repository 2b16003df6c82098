import { t } from "elysia";
import { Id, Nullable } from "../../http/model.ts";
import { PhoneNumber } from "../model.ts";

export const Assignment = t.Object({ accountId: Id, brandId: Id });

const PreviousBrand = Nullable(
  t.String({ description: "The brand that lost it; null when it had none", examples: ["Northwind"] }),
);

export const Assigned = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["ann@northwind.example belongs to Contoso now"] }),
  previousBrandName: PreviousBrand,
});

export const BulkAssignment = t.Object({
  accountIds: t.Array(Id, { maxItems: 1000, description: "An id that comes twice counts once" }),
  brandId: Id,
});

export const BulkAssigned = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["2 mailboxes belong to Contoso now"] }),
  assignedCount: t.Number({ description: "Those that are the brand's because of this call", examples: [2] }),
  reassignedAccounts: t.Array(
    t.Object({
      email: t.String({ examples: ["ann@northwind.example"] }),
      previousBrandName: t.String({ examples: ["Northwind"] }),
    }),
    { description: "Those of them that another brand lost" },
  ),
});

export const AccountQuery = t.Object({
  assignmentFilter: t.Optional(
    t.Union([t.Literal("all"), t.Literal("assigned"), t.Literal("unassigned")], {
      default: "all",
      description: "Whether a brand has it; all unless said otherwise",
      examples: ["all"],
    }),
  ),
  providerFilter: t.Optional(t.Union([t.Literal("GMAIL"), t.Literal("SMTP")], { examples: ["SMTP"] })),
  searchQuery: t.Optional(
    t.String({ maxLength: 200, description: "Part of the address, the display name or the brand's name" }),
  ),
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 10_000, default: 10_000 })),
  offset: t.Optional(t.Integer({ minimum: 0, maximum: 1_000_000_000, default: 0 })),
});

export const ListedAccount = t.Object({
  accountId: Id,
  email: t.String({ examples: ["ann@northwind.example"] }),
  displayName: Nullable(t.String()),
  provider: t.String({ examples: ["SMTP"], description: "GMAIL or SMTP" }),
  accountType: t.String({ examples: ["SMTP"], description: "OAUTH, SERVICE_ACCOUNT or SMTP" }),
  connectionStatus: t.String({
    examples: ["CONNECTED"],
    description: "CONNECTED, REAUTH_REQUIRED, ERROR or DISCONNECTED",
  }),
  isActive: t.Boolean({ description: "The operator's switch, independent of the connection" }),
  isProved: t.Boolean({ description: "False: a brand typed this address and has not shown that it is its own" }),
  brandId: Nullable(t.String()),
  brandName: Nullable(t.String({ examples: ["Northwind"] })),
  dailyLimit: t.Number({ examples: [50] }),
  sendsToday: t.Number({ description: "Since midnight in the mailbox's own zone", examples: [12] }),
  lastUsedAt: Nullable(t.String({ format: "date-time" })),
  isWorkspaceAccount: t.Boolean(),
  workspaceDomain: Nullable(t.String()),
  warmupStatus: t.String({ examples: ["NOT_STARTED"], description: "NOT_STARTED, WARMING, PAUSED or COMPLETED" }),
  warmupEmailsSent: t.Number({ description: "Sent while it warmed up, in all" }),
});
export type ListedAccount = typeof ListedAccount.static;

export const AccountPage = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["2 mailboxes"] }),
  accounts: t.Array(ListedAccount),
  total: t.Number({ description: "How many there are with these filters" }),
  hasMore: t.Boolean(),
});

export const VoicemailOrder = t.Object({ brandId: Id, phoneNumber: PhoneNumber });

export const VoicemailCreated = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["Northwind leaves voicemails from +12025550143 now"] }),
  voicemailAccount: t.Object({
    id: Id,
    phoneNumber: t.String({ examples: ["+12025550143"] }),
    displayName: t.String({ examples: ["Northwind 0143"] }),
    provider: t.String({ examples: ["TWILIO"] }),
  }),
});
