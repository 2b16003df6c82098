import { t } from "elysia";

// Schemas that all modules share.

export const Id = t.String({
  minLength: 1,
  maxLength: 64,
  description: "An opaque, time-ordered id",
  examples: ["019a8a3e-5a00-7000-8000-000000000001"],
});
export const Timestamp = t.String({ format: "date-time", examples: ["2026-11-23T09:00:00.000Z"] });
export const Nullable = <T extends ReturnType<typeof t.String> | ReturnType<typeof t.Number>>(schema: T) =>
  t.Union([schema, t.Null()]);
export const IdParams = t.Object({ id: Id });

export const PageLimit = t.Optional(t.Integer({ minimum: 1, maximum: 100, default: 20 }));
export const CursorQuery = t.Optional(t.String({ maxLength: 512, description: "`nextCursor` of the page before" }));

export const ErrorBody = t.Object(
  {
    success: t.Literal(false),
    message: t.String({ examples: ["email: expected an e-mail address"] }),
    code: t.String({ examples: ["INVALID"] }),
    requestId: t.String(),
    details: t.Optional(t.Array(t.Object({ field: t.String(), message: t.String() }))),
  },
  { additionalProperties: true },
);
