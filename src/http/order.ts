import { isObject, type JsonObject } from "./json.ts";

/** Tags in the order of the reference page; the others follow. */
export const TAGS = [
  { name: "Auth", description: "Signing in, the profile, and what an administrator assigns." },
  { name: "Campaigns", description: "What is sent, to whom, and when it follows up." },
  { name: "Health", description: "Whether the service and what it depends on are well." },
  { name: "Brands", description: "The tenants: each has one owner." },
  { name: "Senders", description: "Mailboxes and phone numbers that send for a brand." },
  { name: "Contacts", description: "The people a brand writes to, and those who must never be written to." },
  { name: "Conversations", description: "What a campaign and a contact said to each other." },
  { name: "Credits", description: "What sending costs, and the books about it." },
  { name: "Payments", description: "What the billing provider tells, and what became of it." },
];

/** Paths of the reference page in its order, with their methods. Other paths follow in the order in which they are mounted. */
const PAGE: [path: string, ...methods: string[]][] = [
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
export function inPageOrder(paths: JsonObject): JsonObject {
  const ordered = namedFirst(
    paths,
    PAGE.map(([path]) => path),
  );
  for (const [path, ...methods] of PAGE) {
    const item = ordered[path];
    if (isObject(item)) ordered[path] = namedFirst(item, methods);
  }
  return ordered;
}
