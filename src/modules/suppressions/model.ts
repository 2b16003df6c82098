import { t } from "elysia";
import { Id, Nullable, PageLimit, Timestamp } from "../../http/schemas.ts";

/** A request with an email, a phone or both. `ban` checks it, because both are optional in the schema of the reference API. */
export const NewBan = t.Object({
  email: t.Optional(t.String({ format: "email", maxLength: 254, examples: ["someone@example.com"] })),
  phone: t.Optional(t.String({ maxLength: 40, examples: ["+12025550123"] })),
  reason: t.Optional(t.String({ maxLength: 500, examples: ["asked by phone not to be contacted"] })),
});
export type NewBan = typeof NewBan.static;

export const BanQuery = t.Object({
  cursor: t.Optional(t.String({ maxLength: 512 })),
  limit: PageLimit,
  sortBy: t.Optional(t.Union([t.Literal("createdAt"), t.Literal("email")])),
  sortOrder: t.Optional(t.Union([t.Literal("asc"), t.Literal("desc")])),
});

export const Ban = t.Object({
  id: Id,
  email: Nullable(t.String()),
  phone: Nullable(t.String()),
  reason: Nullable(t.String()),
  messageGot: Nullable(t.String()),
  sentimentScore: Nullable(t.Number()),
  createdAt: Timestamp,
});
export type Ban = typeof Ban.static;
