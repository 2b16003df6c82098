import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import { type ContractOperation, listProperties, listTypes } from "../support/contract.ts";
import type { SeededBrand } from "../support/seed-brand.ts";

/** Seeded brands that the calls below refer to. */
export interface CallContext {
  ann: SeededBrand;
  ben: SeededBrand;
  adminId: string;
}

/** Request of an operation. */
export interface Call {
  /** Path, where it is not the operation's own. */
  path?: string;
  query?: Record<string, string>;
  body?: JsonObject;
}

const sid = (prefix: string) => prefix + "0123456789abcdef".repeat(2);
const lists = (fields: Record<string, string[]>): Call[] =>
  Object.entries(fields).flatMap(([name, values]) => values.map((value) => ({ query: { [name]: value } })));
const bodies = (...all: JsonObject[]): Call[] => all.map((body) => ({ body }));

/** Returns calls that every operation must answer with 200: the least, the most, and values on bounds; the plainest first. */
export function validCalls({ ann, ben, adminId }: CallContext): Record<string, (fresh: number) => Call[]> {
  const [mailbox = ""] = ann.senderIds;
  const longEmail = `${"x".repeat(60)}@${"y".repeat(60)}.example`;
  return {
    "POST /api/auth/admin/assign-email-account": () =>
      bodies(
        { accountId: mailbox, brandId: ben.brandId },
        { accountId: mailbox, brandId: ben.brandId },
        { accountId: mailbox, brandId: ann.brandId },
      ),
    "POST /api/auth/banned": (fresh) =>
      bodies(
        { email: `Ban${fresh}@Example.COM`, phone: `+1202555${1000 + fresh}`, reason: "asked" },
        { email: longEmail },
        { phone: "+44 20 7946 0958" },
        { email: "x@example.com", reason: "é".repeat(500) },
      ),
    "GET /api/auth/banned": () => [
      {},
      ...lists({ limit: ["1", "100"], sortBy: ["createdAt", "email"], sortOrder: ["asc", "desc"] }),
    ],
    "POST /api/auth/admin/bulk-assign-email-accounts": () =>
      bodies(
        { accountIds: [mailbox], brandId: ben.brandId },
        { accountIds: [mailbox, mailbox, ...ben.senderIds], brandId: ann.brandId },
        { accountIds: ben.senderIds, brandId: ben.brandId },
      ),
    "POST /api/auth/admin/create-voicemail-account": (fresh) =>
      bodies({ brandId: ann.brandId, phoneNumber: `+1 (202) 555-${2000 + fresh}` }),
    "POST /api/auth/admin/find-user-by-email": () =>
      bodies({ email: "ann@owners.example" }, { email: "ANN@Owners.Example" }),
    "POST /api/auth/admin/brands": () =>
      bodies(
        {},
        { limit: 1 },
        { limit: 100, offset: 0 },
        { offset: 1_000_000 },
        { searchQuery: "" },
        { searchQuery: "ann" },
      ),
    "POST /api/auth/admin/all-credits": () => bodies({}, { limit: 1, page: 1 }, { limit: 100 }, { page: 1_000_000 }),
    "POST /api/auth/admin/email-accounts": () =>
      bodies(
        {},
        ...["all", "assigned", "unassigned"].map((assignmentFilter) => ({ assignmentFilter })),
        ...["GMAIL", "SMTP"].map((providerFilter) => ({ providerFilter, searchQuery: "mail@ann" })),
      ),
    "GET /api/auth/admin/payments": () => [
      {},
      ...lists({
        limit: ["1", "100"],
        page: ["1", "1000000"],
        status: ["success", "PENDING", "Refunded"],
        type: ["subscription", "CREDIT_PURCHASE"],
        brandId: [ann.brandId],
      }),
    ],
    "POST /api/auth/admin/credit-stats": () => bodies({}),
    "POST /api/auth/admin/get-credit-weights": () => bodies({}),
    "GET /api/auth/admin/scheduled-follow-ups": () => [
      {},
      ...lists({ limit: ["1", "100"], page: ["1", "1000000"], status: ["PENDING", "SENT", "CANCELLED", "FAILED"] }),
    ],
    "POST /api/auth/admin/update-credit-weight": () =>
      bodies(
        { creditType: "SMS", weight: 0 },
        { creditType: "VOICEMAIL", weight: 2.125 },
        { creditType: "EMAIL", weight: 1 },
      ),
    "POST /api/auth/admin/update-enrichment-weight": () => bodies({ weight: 0 }, { weight: 0.001 }, { weight: 3 }),
    "POST /api/auth/update-twillio-messaging-service-sid": () =>
      bodies(
        {
          brandId: ann.brandId,
          twilioAccountSid: sid("AC"),
          twilioAuthToken: "0123456789abcdef".repeat(2),
          twillioMessagingServiceSid: sid("MG"),
        },
        { brandId: ann.brandId },
        { brandId: ben.brandId, twilioAccountSid: null, twilioAuthToken: null, twillioMessagingServiceSid: null },
        { brandId: ben.brandId, twilioAccountSid: "", twilioAuthToken: "", twillioMessagingServiceSid: "" },
      ),
    "POST /api/auth/edit-profile": () =>
      bodies({ userId: adminId, name: "Ada" }, { userId: adminId, name: "Å".repeat(120) }),
    "GET /api/health": () => [{}],
    "GET /api/health/database": () => [{}],
    "GET /api/health/queue": () => [{}],
    "GET /api/health/redis": () => [{}],
  };
}

export interface InvalidCall extends Call {
  /** Why it is invalid. */
  what: string;
  /** Field that the response must name. */
  field: string;
}

/** Returns values of none of these types. */
function ofOtherType(types: string[]): Json[] {
  const values: Json[] = ["x", 1, true, { a: 1 }, ["x"], null];
  const typeOf = (value: Json) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
  const others = values.filter((value) => !types.includes(typeOf(value)));
  return types.includes("array") ? [...others, [1], [null], [{}]] : others;
}

const WHOLE = new Set(["limit", "offset", "page"]);

/** Returns each value that the contract forbids for a field. */
function badValues(name: string, facts: JsonObject): Json[] {
  const values = ofOtherType(listTypes(facts));
  if (Array.isArray(facts.enum)) values.push("NOPE", String(facts.enum[0]).toLowerCase().repeat(2), "");
  if (facts.format === "email") values.push("", "x", "x@", "@x.example", "a b@x.example");
  if (typeof facts.minimum === "number") values.push(facts.minimum - 1);
  if (typeof facts.maximum === "number") values.push(facts.maximum + 1, 1e9);
  if (WHOLE.has(name)) values.push("NaN", -1, 1.5, ...(name === "limit" ? [0, 101] : name === "page" ? [0] : []));
  if (name === "weight") values.push(0.0001, -0.001);
  return values;
}

/** Derives calls with one error each from the contract and a valid call. */
export function invalidCalls(fact: ContractOperation, good: Call): InvalidCall[] {
  const needed = Array.isArray(fact.body?.required) ? fact.body.required.map(String) : [];
  const body = isObject(good.body) ? good.body : {};
  return [
    ...needed.map((field) => {
      const { [field]: _, ...rest } = body;
      return { ...good, what: `without ${field}`, field, body: rest };
    }),
    ...listProperties(fact.body).flatMap(([field, facts]) =>
      badValues(field, facts).map((value) => ({
        ...good,
        what: `${field}: ${JSON.stringify(value)}`,
        field,
        body: { ...body, [field]: value },
      })),
    ),
    ...listProperties(fact.query).flatMap(([field, facts]) => {
      const isNumber = WHOLE.has(field);
      const values = isNumber ? ["NaN", "x", "-1", "1.5", "0", "1e", ...(field === "limit" ? ["101", "1e9"] : [])] : [];
      if (Array.isArray(facts.enum)) values.push("NOPE", "");
      if (field === "status" || field === "type") values.push("NOPE");
      if (field === "cursor") values.push("x");
      return values.map((value) => ({ what: `${field}=${value}`, field, query: { [field]: value } }));
    }),
  ];
}
