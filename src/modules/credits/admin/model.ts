import { t } from "elysia";
import { CursorQuery, Id, Nullable, PageLimit, Timestamp } from "../../../http/schemas.ts";

export const Adjustment = t.Object({
  brandId: Id,
  credits: t.Number({
    minimum: -1_000_000_000,
    maximum: 1_000_000_000,
    description: "A negative number takes credits back; at most 3 decimals",
    examples: [-25],
  }),
  reason: t.String({ minLength: 1, maxLength: 300, pattern: "\\S", examples: ["Sent twice by mistake"] }),
});

const AnyType = t.Union([t.Literal("EMAIL"), t.Literal("SMS"), t.Literal("VOICEMAIL"), t.Literal("SKIPTRACE")]);

export const WeightQuestion = t.Object({
  creditType: AnyType,
  weight: t.Number({ minimum: 0, description: "Credits for one unit, at most 3 decimals", examples: [1.5] }),
});

export const Preview = t.Object({
  success: t.Literal(true),
  creditType: AnyType,
  weight: t.Number({ examples: [1.5] }),
  currentWeight: t.Number({ examples: [1] }),
  openHolds: t.Object({
    count: t.Number({ examples: [40] }),
    credits: t.Number({ examples: [40] }),
    affected: t.Number({ description: "Always 0: a hold keeps its price", examples: [0] }),
  }),
  totalCampaigns: t.Number({ examples: [1] }),
  campaigns: t.Array(
    t.Object({
      campaignId: t.String(),
      campaignName: t.String({ examples: ["Spring"] }),
      brandId: t.String(),
      contacts: t.Number({ examples: [250] }),
      creditNow: t.Number({ description: "Cost of the launch at the current price", examples: [250] }),
      creditThen: t.Number({ examples: [375] }),
    }),
  ),
});

export const WeightChangesQuery = t.Object({ cursor: CursorQuery, limit: PageLimit });

export const WeightChangesPage = t.Object({
  success: t.Literal(true),
  data: t.Array(
    t.Object({
      id: t.String(),
      creditType: t.String({ examples: ["EMAIL"] }),
      previousWeight: t.Number({ examples: [1] }),
      weight: t.Number({ examples: [1.5] }),
      actorId: Nullable(t.String({ description: "The admin; null for a change by the command line" })),
      changedAt: Timestamp,
    }),
  ),
  nextCursor: Nullable(t.String()),
});
