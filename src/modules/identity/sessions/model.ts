import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../../http/schemas.ts";
import { MAX_PASSWORD_CHARS } from "../password.ts";

export const OwnSession = t.Object({
  id: Id,
  createdAt: Timestamp,
  signedInAt: t.String({ ...Timestamp, description: "Time the password was given last" }),
  lastSeenAt: t.String({ ...Timestamp, description: "Time of its last use, to within ten minutes" }),
  expiresAt: t.String({ ...Timestamp, description: "Ends sooner when it is not used" }),
  address: Nullable(
    t.String({ description: "Address that opened it; of an IPv6 address its /64", examples: ["192.0.2.1"] }),
  ),
  userAgent: Nullable(t.String({ description: "User-Agent of the browser", examples: ["Mozilla/5.0"] })),
  current: t.Boolean({ description: "True for the session of this request" }),
});
export type OwnSession = typeof OwnSession.static;
export const OwnSessions = t.Object({ success: t.Literal(true), data: t.Array(OwnSession) });

export const Reauthentication = t.Object({
  password: t.String({ minLength: 1, maxLength: MAX_PASSWORD_CHARS, examples: ["correct horse battery"] }),
});
export const Reauthenticated = t.Object({ success: t.Literal(true), signedInAt: Timestamp });
