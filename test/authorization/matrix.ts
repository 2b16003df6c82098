import type { JsonObject } from "../../src/http/json.ts";
import type { Access } from "../../src/http/route-policies.ts";
import { PASSWORD } from "../support/api-client.ts";

/** Kind of resource that an id names. */
export type ResourceKind =
  | "users"
  | "brands"
  | "email-accounts"
  | "voicemail-accounts"
  | "contacts"
  | "campaigns"
  | "conversations"
  | "messages"
  | "banned"
  | "api-keys"
  | "spare-api-keys"
  | "invitations"
  | "sessions"
  | "import-jobs";

/** Fields of a request that hold an id, and its kind; `[kind]` for a list of ids. */
type IdLocations = Record<string, ResourceKind | [ResourceKind]>;

/** Access of a route, and the status it must return to each caller. */
export interface RouteRule {
  access: Access;
  path?: ResourceKind;
  query?: IdLocations;
  /** Filters of a list: a foreign or unknown id gives an empty list. */
  filter?: IdLocations;
  body?: IdLocations;
  /** Builds the rest of the body from a number that is never the same. */
  rest?: JsonObject | ((fresh: number) => JsonObject);
  /** File that is sent as a form. */
  file?: "image" | "contacts";
  /** Status for an owner's own resource; 200 by default. */
  own?: number;
  /** Status for an admin where it differs from an owner's. */
  admin?: number;
  /** Status for a foreign or unknown id; by default 404, and 403 for a `brandId` sent by a user. */
  foreign?: number;
  missing?: number;
  /** Status for an unknown id sent by an admin. */
  adminMissing?: number;
  /** Status for an API key, where keys are not allowed. */
  byKey?: number;
}

const publicRoute = (more: Omit<RouteRule, "access"> = {}): RouteRule => ({ access: "public", ...more });
const userRoute = (more: Omit<RouteRule, "access"> = {}): RouteRule => ({ access: "user", ...more });
const adminRoute = (more: Omit<RouteRule, "access"> = {}): RouteRule => ({ access: "admin", ...more });

/** Rule of a list that shows users their own brand's, and admins all or one brand's. */
const list = (filter: IdLocations = {}): RouteRule =>
  userRoute({ query: { brandId: "brands" }, filter, adminMissing: 200 });
/** Rule of a route that acts on a user's own brand, and for admins on the brand they name. */
const make = (rest: RouteRule["rest"] = {}): RouteRule => userRoute({ body: { brandId: "brands" }, rest });
const of = (path: ResourceKind, more: Omit<RouteRule, "access" | "path"> = {}): RouteRule =>
  userRoute({ path, ...more });

const later = "2030-01-01T00:00:00.000Z";

/**
 * Lists every route in an order in which each can succeed: deletions come last. A route that is missing here fails the
 * test, and so does a row without a route.
 */
export const ROUTE_RULES: Record<string, RouteRule> = {
  "GET /api/health": publicRoute(),
  "GET /api/health/database": publicRoute(),
  "GET /api/health/queue": publicRoute(),
  "GET /api/health/redis": publicRoute(),
  "POST /api/webhooks/chargebee": publicRoute({ own: 404 }),
  "GET /u/:token": publicRoute({ own: 404 }),
  "POST /u/:token": publicRoute({ own: 404 }),
  "GET /api/auth/claim": publicRoute(),
  "POST /api/auth/claim": publicRoute({
    rest: { token: "x", email: "x@x.example", password: PASSWORD, name: "X" },
    own: 403,
  }),
  "POST /api/auth/sign-up/email": publicRoute({
    rest: (n) => ({ email: `new${n}@x.example`, password: PASSWORD, name: "X" }),
  }),
  "POST /api/auth/send-verification": publicRoute({ rest: (n) => ({ email: `sent${n}@x.example` }), own: 403 }),
  "GET /api/auth/verify-email": publicRoute(),
  "POST /api/auth/verify-email": publicRoute({ rest: { token: "x.y", password: PASSWORD }, own: 403 }),
  "GET /api/auth/invitation": publicRoute(),
  "POST /api/auth/accept-invitation": publicRoute({ rest: { token: "x", password: PASSWORD, name: "X" }, own: 403 }),
  "POST /api/auth/sign-in/email": publicRoute({ rest: { email: "ann@owners.example", password: PASSWORD } }),
  "GET /api/auth/session": userRoute(),
  "GET /api/auth/sessions": userRoute({ byKey: 403 }),
  "POST /api/auth/reauthenticate": userRoute({ rest: { password: PASSWORD }, byKey: 403 }),

  "GET /api/brands": userRoute(),
  "GET /api/brands/:id": of("brands"),
  "PATCH /api/brands/:id": of("brands", { rest: { timezone: "Europe/Berlin" } }),
  "POST /api/brands": userRoute({ rest: { name: "One more" }, own: 409, admin: 200 }),
  "GET /api/email-accounts": list(),
  "GET /api/email-accounts/:id": of("email-accounts"),
  "POST /api/email-accounts": make((n) => ({
    email: `m${n}@x.example`,
    host: "127.0.0.1",
    port: 2525,
    security: "NONE",
  })),
  "PATCH /api/email-accounts/:id": of("email-accounts", { rest: { dailyLimit: 20 } }),
  "POST /api/email-accounts/:id/test-connection": of("email-accounts"),
  "GET /api/voicemail-accounts": list(),
  "GET /api/voicemail-accounts/:id": of("voicemail-accounts"),
  "POST /api/voicemail-accounts": make((n) => ({ phoneNumber: `+1202556${1000 + n}` })),
  "PATCH /api/voicemail-accounts/:id": of("voicemail-accounts", { rest: { isActive: true } }),
  "GET /api/profile-images/:name": publicRoute({ own: 404 }),
  "GET /api/contacts": list(),
  "GET /api/contacts/:id": of("contacts"),
  "POST /api/contacts": make((n) => ({ email: `c${n}@x.example` })),
  "PATCH /api/contacts/:id": of("contacts", { rest: { firstName: "Jo" } }),
  "GET /api/limits": userRoute({ query: { brandId: "brands" } }),
  "GET /api/credits": userRoute({ query: { brandId: "brands" } }),
  "GET /api/credits/ledger": userRoute({ query: { brandId: "brands" } }),

  "GET /api/campaigns": list(),
  "POST /api/campaigns": make({ name: "Another" }),
  "GET /api/campaigns/:id": of("campaigns"),
  "PATCH /api/campaigns/:id": of("campaigns", { rest: { name: "Renamed", version: 1000 }, own: 409 }),
  "GET /api/campaigns/:id/steps": of("campaigns"),
  "PUT /api/campaigns/:id/steps": of("campaigns", {
    rest: { steps: [{ stage: 0, channel: "EMAIL", subject: "Hi", body: "Hello", delay: { value: 0, unit: "DAYS" } }] },
  }),
  "GET /api/campaigns/:id/senders": of("campaigns"),
  "PUT /api/campaigns/:id/senders": of("campaigns", { body: { emailAccountIds: ["email-accounts"] } }),
  "POST /api/campaigns/:id/preview-message": of("campaigns", { body: { contactId: "contacts" }, rest: { stage: 0 } }),
  "POST /api/campaigns/:id/add-contacts": of("campaigns", {
    rest: (n) => ({ contacts: [{ email: `a${n}@x.example` }] }),
  }),
  "POST /api/campaigns/:id/import-contacts": of("campaigns", { file: "contacts", own: 202 }),
  "GET /api/campaigns/import-jobs/:jobId": of("import-jobs"),
  "GET /api/campaigns/import-jobs/:jobId/result.csv": of("import-jobs"),
  "GET /api/campaigns/:id/contacts": of("campaigns"),
  "GET /api/campaigns/:id/messages": of("campaigns"),
  "GET /api/campaigns/:id/stats": of("campaigns"),
  "GET /api/campaigns/:id/credits": of("campaigns"),
  "GET /api/campaigns/:id/launch-cost": of("campaigns"),
  "GET /api/campaigns/:id/explain": of("campaigns", { query: { contactId: "contacts" } }),
  "GET /api/campaigns/follow-ups": list({ campaignId: "campaigns", contactId: "contacts" }),
  "POST /api/campaigns/outcome-unknown/:messageId/resolve": of("messages", { rest: { as: "SENT" }, own: 409 }),
  "GET /api/campaigns/conversations": list({ campaignId: "campaigns" }),
  "GET /api/campaigns/conversations/:id": of("conversations"),
  "POST /api/campaigns/conversations/:id/mark-read": of("conversations"),
  "POST /api/campaigns/conversations/:id/set-mode": of("conversations", { rest: { mode: "AUTO" } }),
  "POST /api/campaigns/conversations/:id/inbound": of("conversations", { rest: { channel: "EMAIL", text: "Gladly" } }),
  "POST /api/campaigns/:id/pause-contact": of("campaigns", { body: { contactId: "contacts" } }),
  "POST /api/campaigns/:id/resume-contact": of("campaigns", { body: { contactId: "contacts" } }),
  "POST /api/campaigns/:id/remove-contact": of("campaigns", { body: { contactId: "contacts" } }),
  "POST /api/campaigns/:id/launch": of("campaigns", { rest: { confirmContacts: 1 }, own: 409 }),
  "POST /api/campaigns/:id/pause": of("campaigns"),
  "POST /api/campaigns/:id/resume": of("campaigns"),
  "POST /api/campaigns/:id/cancel": of("campaigns"),
  "POST /api/campaigns/:id/archive": of("campaigns"),

  "GET /api/auth/banned": userRoute(),
  "POST /api/auth/banned": userRoute({ rest: (n) => ({ email: `b${n}@x.example` }) }),
  "GET /api/auth/api-keys": userRoute({ byKey: 403 }),
  "POST /api/auth/api-keys": userRoute({ rest: { name: "Another" }, byKey: 403 }),
  "POST /api/auth/edit-profile": userRoute({
    body: { userId: "users" },
    rest: { name: "Somebody" },
    foreign: 403,
    missing: 403,
  }),
  "POST /api/auth/upload-profile-image": userRoute({ file: "image" }),

  "POST /api/auth/admin/assign-email-account": adminRoute({ body: { accountId: "email-accounts", brandId: "brands" } }),
  "POST /api/auth/admin/bulk-assign-email-accounts": adminRoute({
    body: { accountIds: ["email-accounts"], brandId: "brands" },
  }),
  "POST /api/auth/admin/create-voicemail-account": adminRoute({
    body: { brandId: "brands" },
    rest: (n) => ({ phoneNumber: `+1202555${1000 + n}` }),
  }),
  "POST /api/auth/admin/find-user-by-email": adminRoute({ rest: { email: "ann@owners.example" } }),
  "POST /api/auth/admin/brands": adminRoute({ rest: {} }),
  "POST /api/auth/admin/all-credits": adminRoute({ rest: {} }),
  "POST /api/auth/admin/email-accounts": adminRoute({ rest: {} }),
  "GET /api/auth/admin/payments": adminRoute({ query: { brandId: "brands" }, adminMissing: 200 }),
  "POST /api/auth/admin/credit-stats": adminRoute({ rest: {} }),
  "POST /api/auth/admin/get-credit-weights": adminRoute({ rest: {} }),
  "GET /api/auth/admin/scheduled-follow-ups": adminRoute(),
  "POST /api/auth/admin/update-credit-weight": adminRoute({ rest: { creditType: "SMS", weight: 1 } }),
  "POST /api/auth/admin/update-enrichment-weight": adminRoute({ rest: { weight: 1 } }),
  "POST /api/auth/update-twillio-messaging-service-sid": adminRoute({ body: { brandId: "brands" } }),
  "POST /api/auth/admin/grant-credits": adminRoute({
    body: { brandId: "brands" },
    rest: { credits: 1, reason: "x", expiresAt: later },
  }),
  "POST /api/auth/admin/verify-ledger": adminRoute({ rest: {} }),
  "POST /api/auth/admin/adjust-credits": adminRoute({ body: { brandId: "brands" }, rest: { credits: 1, reason: "x" } }),
  "POST /api/auth/admin/preview-credit-weight": adminRoute({ rest: { creditType: "EMAIL", weight: 1 } }),
  "GET /api/auth/admin/credit-weight-changes": adminRoute(),
  "GET /api/auth/admin/chargebee-events": adminRoute(),
  "GET /api/auth/admin/security-findings": adminRoute(),
  "POST /api/auth/admin/link-chargebee-customer": adminRoute({
    body: { brandId: "brands" },
    rest: (n) => ({ customerId: `customer${n}` }),
  }),
  "POST /api/auth/admin/replay-chargebee-event": adminRoute({ rest: { eventId: "x" }, own: 404 }),
  "POST /api/auth/admin/reconcile-chargebee": adminRoute({ rest: {}, own: 409 }),
  "GET /api/auth/admin/limits": adminRoute({ query: { brandId: "brands" } }),
  "POST /api/auth/admin/update-limits": adminRoute({
    body: { brandId: "brands" },
    rest: { limits: { contacts: 1_000_000 } },
  }),
  "POST /api/auth/admin/create-user": adminRoute({
    rest: (n) => ({ email: `made${n}@x.example`, password: PASSWORD, name: "X" }),
  }),
  "POST /api/auth/admin/verify-user": adminRoute({ body: { userId: "users" } }),
  "POST /api/auth/admin/invitations": adminRoute({ rest: (n) => ({ email: `invited${n}@x.example` }) }),
  "GET /api/auth/admin/invitations": adminRoute(),
  "GET /api/auth/admin/api-keys": adminRoute({ query: { userId: "users" }, adminMissing: 200 }),
  "POST /api/auth/admin/set-role": adminRoute({ body: { userId: "users" }, rest: { role: "user" } }),
  "POST /api/auth/admin/ban-user": adminRoute({ body: { userId: "users" } }),
  "POST /api/auth/admin/unban-user": adminRoute({ body: { userId: "users" } }),
  "POST /api/auth/admin/revoke-sessions": adminRoute({ body: { userId: "users" } }),

  // A contact of a campaign cannot be deleted.
  "DELETE /api/contacts/:id": of("contacts", { own: 409 }),
  "DELETE /api/campaigns/:id": of("campaigns", { own: 409 }),
  "DELETE /api/email-accounts/:id": of("email-accounts"),
  "DELETE /api/voicemail-accounts/:id": of("voicemail-accounts"),
  "DELETE /api/auth/banned/:id": of("banned", { body: { id: "banned" } }),
  "DELETE /api/auth/api-keys/:id": of("api-keys", { byKey: 403 }),
  "DELETE /api/auth/admin/api-keys/:id": adminRoute({ path: "spare-api-keys" }),
  "DELETE /api/auth/admin/invitations/:id": adminRoute({ path: "invitations" }),
  "DELETE /api/auth/sessions/:id": of("sessions", { byKey: 403 }),
  "DELETE /api/brands/:id": adminRoute({ path: "brands", own: 409 }),
  "POST /api/auth/change-password": userRoute({
    rest: { currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions: false },
    byKey: 403,
  }),
  "POST /api/auth/sign-out": userRoute(),
};
