import { t } from "elysia";
import { Id, Nullable } from "../../http/model.ts";

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
