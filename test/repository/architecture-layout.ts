// The layout that the rules in `architecture.ts` check. A place is the beginning of a path: a folder (with its last slash) or
// a file. Of several places that fit, the longest counts.

/** Lowest first. A file imports what is in its own layer, or in one before it. Places in one layer know each other. */
export const LAYERS: readonly (readonly string[])[] = [
  ["src/"],
  ["src/channels/", "src/calendar/", "src/templates/", "src/contactFiles/", "src/understanding/"],
  [
    "src/modules/chargebee/site.ts",
    "src/chargebee/client.ts",
    "src/lib/json-fields.ts",
    "src/modules/chargebee/catalog.ts",
  ],
  ["src/db/", "src/lib/logger.ts"],
  ["src/files/", "src/moving/", "src/db/installation.ts"],
  ["src/limits/"],
  [
    "src/server/config/config.ts",
    "src/config/",
    "src/server/config/secret-files.ts",
    "src/modules/deps.ts",
    "src/http/",
    "src/security/",
    "src/modules/limits/admission.ts",
    "src/modules/limits/route-class.ts",
    "src/modules/limits/routes.ts",
    "src/modules/limits/model.ts",
    "src/modules/limits/report.ts",
  ],
  ["src/brands/"],
  ["src/identity/"],
  ["src/invitations/"],
  ["src/contacts/"],
  ["src/credits/"],
  ["src/conversationRows/"],
  ["src/messages/"],
  ["src/senders/"],
  ["src/bans/"],
  ["src/payments/"],
  ["src/chargebee/"],
  ["src/campaigns/"],
  ["src/imports/"],
  ["src/conversations/"],
  ["src/delivery/"],
  ["src/deletion/", "src/health/"],
  ["src/simulator/"],
  ["src/server/runtime.ts", "src/server/app.ts", "src/server/"],
  ["src/cli/"],
  ["src/main.ts"],
];

/** Places that import nothing of ours but themselves and the files directly in src. */
export const LEAVES: readonly string[] = ["src/channels/", "src/db/"];

/** The modules: features, with service functions that know neither how they are reached nor how the process was set up. */
export const MODULES: readonly string[] = [
  "src/calendar/",
  "src/templates/",
  "src/understanding/",
  "src/contactFiles/",
  "src/files/",
  "src/limits/",
  "src/brands/",
  "src/identity/",
  "src/invitations/",
  "src/contacts/",
  "src/credits/",
  "src/conversationRows/",
  "src/messages/",
  "src/senders/",
  "src/bans/",
  "src/payments/",
  "src/chargebee/",
  "src/campaigns/",
  "src/imports/",
  "src/conversations/",
  "src/delivery/",
  "src/deletion/",
  "src/simulator/",
];

/** What service functions do not import. */
export const EDGES: readonly string[] = [
  "elysia",
  "bullmq",
  "ioredis",
  "src/server/config/config.ts",
  "src/config/",
  "src/http/",
];

/** Services that are at the edge by what they do: they say who sends a request, and whether it may be answered now. */
export const EDGE_SERVICES: readonly string[] = [
  "src/modules/identity/identity.ts",
  "src/modules/identity/principal.ts",
  "src/modules/identity/sign-in-visit.ts",
  "src/modules/limits/admission.ts",
  "src/modules/limits/route-class.ts",
];

/** Imports of types alone that close a cycle, written as from → to. To be taken apart, and not to become more. */
export const TYPE_CYCLES: readonly string[] = ["src/db/store.ts → src/db/postgres/notifier.ts"];

/** Where the schema of the database is. */
export const SCHEMA = "src/db/schema/";

/** The place that owns the tables of each schema file, and is the only one to write them. */
export const SCHEMA_OWNERS: Readonly<Record<string, string>> = {
  "bans.ts": "src/bans/",
  "brands.ts": "src/brands/",
  "campaigns.ts": "src/campaigns/",
  "chargebee.ts": "src/chargebee/",
  "contacts.ts": "src/contacts/",
  "conversations.ts": "src/conversationRows/",
  "credits.ts": "src/credits/",
  "files.ts": "src/files/",
  "idempotency.ts": "src/db/idempotency-keys.ts",
  "identity.ts": "src/identity/",
  "imports.ts": "src/imports/",
  "installation.ts": "src/db/installation.ts",
  "limits.ts": "src/limits/",
  "messages.ts": "src/messages/",
  "payments.ts": "src/payments/",
  "senders.ts": "src/senders/",
};

/** The owners of tables that differ from that of their schema file, or that no schema file has. */
export const TABLE_OWNERS: Readonly<Record<string, string>> = {
  campaign_senders: "src/senders/",
  contact_numbers: "src/db/word-index.ts",
  contact_terms: "src/db/word-index.ts",
  contact_words: "src/db/word-index.ts",
  invitations: "src/invitations/",
  schema_migrations: "src/db/",
};

/** Writes outside of the owner that are meant: the place, the tables (all without a list), and why. */
export const OTHER_WRITERS: readonly { place: string; tables?: readonly string[]; reason: string }[] = [
  { place: "src/moving/", reason: "copies every table of one database to another" },
  { place: "src/simulator/", reason: "fills a database of its own with a world to simulate or to show" },
];
