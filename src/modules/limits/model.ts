import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";
import { LIMIT_NAMES } from "./names.ts";

/** Creates the schema of a whole number, because `t.Integer` cannot be made nullable. */
const Whole = (options: { description?: string; minimum?: number; maximum?: number } = {}) =>
  t.Number({ multipleOf: 1, ...options });

const Name = t.String({ enum: [...LIMIT_NAMES], description: "Name of the limit", examples: ["contacts"] });

const described = {
  name: Name,
  description: t.String({ examples: ["Contacts"] }),
  kind: t.Union([t.Literal("rate"), t.Literal("quota"), t.Literal("concurrent")]),
  unit: t.Union([t.Literal("requests"), t.Literal("tries"), t.Literal("rows"), t.Literal("bytes")]),
  windowSeconds: Nullable(Whole({ description: "Window of a rate" })),
  limit: t.Integer({ examples: [2_000_000] }),
};

const Used = t.Object({
  ...described,
  used: Nullable(Whole({ description: "Null for rates: the header `RateLimit` has the remaining amount" })),
  remaining: Nullable(Whole()),
});

export const OwnLimits = t.Object({ success: t.Literal(true), brandId: Id, limits: t.Array(Used) });

export const AdminLimits = t.Object({
  success: t.Literal(true),
  brandId: Nullable(Id),
  limits: t.Array(
    t.Composite([
      Used,
      t.Object({
        default: t.Integer(),
        platformValue: Nullable(Whole({ description: "Set for all brands; null: the default" })),
        brandValue: Nullable(Whole({ description: "Set for this brand; null: the platform's" })),
        changedBy: Nullable(t.String({ description: "Admin who changed the value last" })),
        changedAt: Nullable(Timestamp),
      }),
    ]),
  ),
});
export type AdminLimits = typeof AdminLimits.static;

export const LimitChange = t.Object({
  brandId: t.Optional(Id),
  limits: t.Record(
    t.String({ minLength: 1, maxLength: 64 }),
    Nullable(Whole({ minimum: 0, maximum: 1_000_000_000_000_000 })),
    {
      minProperties: 1,
      maxProperties: 50,
      description: "New values by name; null restores the default",
      examples: [{ contacts: 3_000_000 }],
    },
  ),
});
