import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";
import { MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS } from "./password.ts";

export const Email = t.String({ format: "email", maxLength: 254, examples: ["ada@example.com"] });
export const NewPassword = t.String({
  minLength: MIN_PASSWORD_CHARS,
  maxLength: MAX_PASSWORD_CHARS,
  examples: ["correct horse battery"],
});
/** A password to be verified: any length, because only its hash is compared. */
const Password = t.String({ minLength: 1, maxLength: MAX_PASSWORD_CHARS, examples: ["correct horse battery"] });
export const Name = t.String({ minLength: 1, maxLength: 120, pattern: "\\S", examples: ["Ada Lovelace"] });
export const Role = t.Union([t.Literal("admin"), t.Literal("user")], { examples: ["user"] });

export const Credentials = t.Object({ email: Email, password: Password });
export type Credentials = typeof Credentials.static;

export const SignUp = t.Object({ email: Email, password: NewPassword, name: Name });
export type SignUp = typeof SignUp.static;

export const NewUser = t.Object({ email: Email, password: NewPassword, name: Name, role: t.Optional(Role) });
export type NewUser = typeof NewUser.static;

/** The token in the link of a mail. */
export const LinkToken = t.String({ minLength: 1, maxLength: 256, description: "From the link" });

export const EmailProof = t.Object({ token: LinkToken, password: NewPassword });

export const Claim = t.Object({
  token: t.String({ minLength: 1, maxLength: 128, description: "From the link that the first start printed" }),
  email: Email,
  password: NewPassword,
  name: Name,
});
export type Claim = typeof Claim.static;

export const PasswordChange = t.Object({
  currentPassword: Password,
  newPassword: NewPassword,
  revokeOtherSessions: t.Optional(t.Boolean({ default: true, description: "Ends all your sessions but the new one." })),
});
export type PasswordChange = typeof PasswordChange.static;

export const User = t.Object({
  id: Id,
  email: t.String({ examples: ["ada@example.com"] }),
  name: t.String({ examples: ["Ada Lovelace"] }),
  role: Role,
  emailVerified: t.Boolean({
    description: "Whether the e-mail address is verified, by a mailed link or by an admin",
  }),
  image: Nullable(t.String()),
  brandId: Nullable(t.String({ description: "The brand this user owns" })),
});
export type User = typeof User.static;

const Token = t.String({ description: "Send it as `Authorization: Bearer <token>`" });
export const SignedIn = t.Object({ success: t.Literal(true), token: Token, user: User });
export const Session = t.Object({
  success: t.Literal(true),
  user: User,
  session: t.Object({ expiresAt: Nullable(Timestamp) }),
});
/** The response where a mail may be sent: the same for every address. */
export const MailOnItsWay = t.Object({
  success: t.Literal(true),
  message: t.String({ examples: ["If this address can be used, a mail is sent to it: open the link in it"] }),
});
export const PasswordChanged = t.Object({ success: t.Literal(true), token: Nullable(Token) });
export const Done = t.Object({ success: t.Literal(true) });
export const OneUser = t.Object({ success: t.Literal(true), user: User });
export const UserId = t.Object({ userId: Id });
export const UserEmail = t.Object({ email: Email });
export const FoundUser = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["Ada Lovelace owns a brand"] }),
  userId: Id,
  name: t.String({ examples: ["Ada Lovelace"] }),
  email: t.String({ examples: ["ada@example.com"] }),
  emailVerified: t.Boolean({
    description: "False: the account may belong to another person than the address. Assign nothing to it.",
  }),
  brandId: Nullable(t.String({ description: "The brand this user owns" })),
});
export const UserRole = t.Object({ userId: Id, role: Role });

const KEY_KIND = {
  description:
    "A PERSONAL key ends when the password of its owner changes, when an admin ends their sessions, or when the session that created it is ended; a SERVICE key stays. Both end with a ban or a change of role.",
  examples: ["PERSONAL"],
};
export const KeyKind = t.Union([t.Literal("PERSONAL"), t.Literal("SERVICE")], KEY_KIND);

export const NewApiKey = t.Object({
  name: t.String({ minLength: 1, maxLength: 64, pattern: "\\S", examples: ["CRM import"] }),
  kind: t.Optional(t.Union(KeyKind.anyOf, { ...KEY_KIND, default: "PERSONAL" })),
  expiresInDays: t.Optional(
    t.Integer({
      minimum: 1,
      maximum: 365,
      description: "Absent: a PERSONAL key expires after 365 days, a SERVICE key never",
    }),
  ),
});
export type NewApiKey = typeof NewApiKey.static;

export const MadeApiKey = t.Object({
  success: t.Literal(true),
  id: Id,
  key: t.String({ description: "Shown this once; send it as `x-api-key`" }),
});

export const ApiKey = t.Object({
  id: Id,
  name: Nullable(t.String()),
  start: Nullable(t.String({ description: "Its first characters, to identify it", examples: ["reprise_aBcD"] })),
  kind: KeyKind,
  createdAt: Timestamp,
  lastUsedAt: Nullable(Timestamp),
  expiresAt: Nullable(Timestamp),
});
export type ApiKey = typeof ApiKey.static;
export const ApiKeys = t.Object({ success: t.Literal(true), data: t.Array(ApiKey) });

/** An API key as shown to admins. */
export const OwnedApiKey = t.Composite([
  ApiKey,
  t.Object({ userId: Id, userEmail: t.String({ examples: ["ada@example.com"] }) }),
]);
export type OwnedApiKey = typeof OwnedApiKey.static;

/** Query of a page behind a link: its token stands behind `#` and is not sent; one that is sent is ignored. */
export const LinkQuery = t.Object({ token: t.Optional(t.String({ maxLength: 128 })) });
