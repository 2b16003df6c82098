import { isObject, type JsonObject } from "../json.ts";

/** Tags in the order of the reference page; the others follow. */
export const TAGS = [
  { name: "Auth", description: "Accounts, sessions, profiles and administration." },
  { name: "Campaigns", description: "Campaigns with their steps, contacts and follow-ups." },
  { name: "Health", description: "Health of the service and its dependencies." },
  { name: "Brands", description: "Tenants, each with one owner." },
  { name: "Senders", description: "Mailboxes and phone numbers of a brand." },
  { name: "Contacts", description: "Contacts of a brand." },
  { name: "Conversations", description: "Messages between a campaign and a contact." },
  { name: "Credits", description: "Credits, their ledger and prices." },
  { name: "Payments", description: "Payments and the billing provider." },
];

/** Paths of the reference page in its order, with their methods. Other paths follow in the order in which they are mounted. */
const REFERENCE_ORDER: [path: string, ...methods: string[]][] = [
  ["/api/auth/admin/assign-email-account", "post"],
  ["/api/auth/banned", "post", "get"],
  ["/api/auth/banned/{id}", "delete"],
  ["/api/auth/admin/bulk-assign-email-accounts", "post"],
  ["/api/auth/admin/create-voicemail-account", "post"],
  ["/api/auth/admin/find-user-by-email", "post"],
  ["/api/auth/admin/brands", "post"],
  ["/api/auth/admin/all-credits", "post"],
  ["/api/auth/admin/email-accounts", "post"],
  ["/api/auth/admin/payments", "get"],
  ["/api/auth/admin/credit-stats", "post"],
  ["/api/auth/admin/get-credit-weights", "post"],
  ["/api/auth/admin/scheduled-follow-ups", "get"],
  ["/api/auth/admin/update-credit-weight", "post"],
  ["/api/auth/admin/update-enrichment-weight", "post"],
  ["/api/auth/update-twillio-messaging-service-sid", "post"],
  ["/api/auth/edit-profile", "post"],
  ["/api/auth/upload-profile-image", "post"],
  ["/api/health/database", "get"],
  ["/api/health", "get"],
  ["/api/health/queue", "get"],
  ["/api/health/redis", "get"],
];

/** Sorts the keys of an object: the named ones first, in the order of the names. */
function namedFirst(given: JsonObject, names: readonly string[]): JsonObject {
  const named = names.filter((name) => name in given);
  return Object.fromEntries(
    [...named, ...Object.keys(given).filter((name) => !named.includes(name))].map((name) => [
      name,
      given[name] ?? null,
    ]),
  );
}

/** Sorts the paths of the document, because Swagger UI shows them in its order. */
export function sortPaths(paths: JsonObject): JsonObject {
  const ordered = namedFirst(
    paths,
    REFERENCE_ORDER.map(([path]) => path),
  );
  for (const [path, ...methods] of REFERENCE_ORDER) {
    const item = ordered[path];
    if (isObject(item)) ordered[path] = namedFirst(item, methods);
  }
  return ordered;
}
