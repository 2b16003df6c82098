import { t } from "elysia";
import { Id, Nullable } from "../../../http/schemas.ts";
import { PhoneNumber } from "../model.ts";

export const AssignmentRequest = t.Object({ accountId: Id, brandId: Id });

const PreviousBrand = Nullable(
  t.String({ description: "The brand it was assigned to before; null when it had none", examples: ["Northwind"] }),
);

export const AssignmentResponse = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["ann@northwind.example is now assigned to Contoso"] }),
  previousBrandName: PreviousBrand,
});

export const BulkAssignmentRequest = t.Object({
  accountIds: t.Array(Id, { maxItems: 1000, description: "Duplicate ids count once" }),
  brandId: Id,
});

export const BulkAssignmentResponse = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["2 mailboxes are now assigned to Contoso"] }),
  assignedCount: t.Number({ description: "Mailboxes that were not the brand's before", examples: [2] }),
  reassignedAccounts: t.Array(
    t.Object({
      email: t.String({ examples: ["ann@northwind.example"] }),
      previousBrandName: t.String({ examples: ["Northwind"] }),
    }),
    { description: "Those that another brand had before" },
  ),
});

export const AccountQuery = t.Object({
  assignmentFilter: t.Optional(
    t.Union([t.Literal("all"), t.Literal("assigned"), t.Literal("unassigned")], {
      default: "all",
      description: "Filters by whether a brand has the mailbox",
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
  isActive: t.Boolean({ description: "False when the mailbox is switched off; independent of the connection" }),
  isProved: t.Boolean({ description: "False when the brand has added this address without proving that it owns it" }),
  brandId: Nullable(t.String()),
  brandName: Nullable(t.String({ examples: ["Northwind"] })),
  dailyLimit: t.Number({ examples: [50] }),
  sendsToday: t.Number({ description: "Since midnight in the mailbox's own zone", examples: [12] }),
  lastUsedAt: Nullable(t.String({ format: "date-time" })),
  isWorkspaceAccount: t.Boolean(),
  workspaceDomain: Nullable(t.String()),
  warmupStatus: t.String({ examples: ["NOT_STARTED"], description: "NOT_STARTED, WARMING, PAUSED or COMPLETED" }),
  warmupEmailsSent: t.Number({ description: "Total sent during warm-up" }),
});
export type ListedAccount = typeof ListedAccount.static;

export const AccountPage = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["2 mailboxes"] }),
  accounts: t.Array(ListedAccount),
  total: t.Number({ description: "Number of mailboxes that match the filters" }),
  hasMore: t.Boolean(),
});

export const VoicemailRequest = t.Object({ brandId: Id, phoneNumber: PhoneNumber });

export const VoicemailResponse = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["Northwind now leaves voicemails from +12025550143"] }),
  voicemailAccount: t.Object({
    id: Id,
    phoneNumber: t.String({ examples: ["+12025550143"] }),
    displayName: t.String({ examples: ["Northwind 0143"] }),
    provider: t.String({ examples: ["TWILIO"] }),
  }),
});
