import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";
import { Email, LinkToken, Name, NewPassword, Role } from "../identity/model.ts";

const BrandName = t.String({ minLength: 1, maxLength: 120, pattern: "\\S", examples: ["Northwind"] });

export const NewInvitation = t.Object({
  email: Email,
  name: t.Optional(Name),
  role: t.Optional(Role),
  brandId: t.Optional(
    t.String({ minLength: 1, maxLength: 64, description: "Brand without an owner that the person will own" }),
  ),
  brandName: t.Optional(BrandName),
  expiresInDays: t.Optional(t.Integer({ minimum: 1, maximum: 30, default: 7 })),
});
export type NewInvitation = typeof NewInvitation.static;

export const Invitation = t.Object({
  id: Id,
  email: t.String({ examples: ["ada@example.com"] }),
  name: Nullable(t.String({ examples: ["Ada Lovelace"] })),
  role: Role,
  brandId: Nullable(t.String({ description: "Brand that the person will own, or owns" })),
  brandName: Nullable(t.String({ description: "Brand created on acceptance" })),
  status: t.Union([t.Literal("OPEN"), t.Literal("ACCEPTED"), t.Literal("EXPIRED")], { examples: ["OPEN"] }),
  userId: Nullable(t.String({ description: "User who accepted" })),
  createdBy: Id,
  expiresAt: Timestamp,
  acceptedAt: Nullable(Timestamp),
  createdAt: Timestamp,
});
export type Invitation = typeof Invitation.static;

export const MadeInvitation = t.Object({
  success: t.Literal(true),
  invitation: Invitation,
  token: t.String({ description: "Shown only in this response" }),
  url: t.String({ description: "Link with the token: pass it on to the person where no mail was sent" }),
  mailed: t.Boolean({ description: "Whether the system mailbox sent the link" }),
  mailError: Nullable(t.String({ description: "Why it did not; null where it did or where none is configured" })),
});

export const Acceptance = t.Object({
  token: LinkToken,
  password: NewPassword,
  name: t.Optional(Name),
});
