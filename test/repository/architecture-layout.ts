// The layout that `architecture-rules.ts` and `table-owners.ts` check. A place is the beginning of a path: a folder (with its
// last slash) or a file. The longest place that fits a path counts.

/** The modules, lowest first: a module imports itself and those before it. */
export const MODULES = [
  "contact-files",
  "replies",
  "stored-files",
  "limits",
  "security",
  "brands",
  "identity",
  "invitations",
  "contacts",
  "credits",
  "conversations",
  "messages",
  "senders",
  "suppressions",
  "payments",
  "chargebee",
  "campaigns",
  "imports",
  "inbox",
  "delivery",
  "deletion",
].map((name) => `src/modules/${name}/`);

/** Lowest first. A file imports its own layer and those before it; places of one layer may import each other. */
export const LAYERS: readonly (readonly string[])[] = [
  ["src/lib/"],
  ["src/db/"],
  ["src/channels/"],
  ["src/http/"],
  // Plain settings and shapes that the dependencies of all modules name.
  ["src/modules/chargebee/catalog.ts", "src/modules/chargebee/site.ts", "src/modules/security/findings.ts"],
  ["src/modules/deps.ts"],
  ...MODULES.map((place) => [place]),
  ["src/simulator/"],
  ["src/server/"],
  ["src/cli/"],
  ["src/main.ts"],
];

/** Layers of which neither imports the other, although one comes first. */
export const SEPARATE: readonly (readonly [string, string])[] = [
  ["src/channels/", "src/db/"],
  ["src/http/", "src/channels/"],
];

/** Packages and folders that service functions do not import: they know neither how they are called nor how the process was configured. */
export const EDGES: readonly string[] = ["elysia", "bullmq", "ioredis", "src/http/"];

/** Files of modules that belong to an edge: HTTP, or the queue of BullMQ. */
export const EDGE_FILES: readonly string[] = [
  "src/modules/deps.ts",
  "src/modules/campaigns/mutate-campaign.ts",
  "src/modules/delivery/bullmq.ts",
  "src/modules/delivery/wakeup-queue.ts",
  "src/modules/identity/identity.ts",
  "src/modules/identity/principal.ts",
  "src/modules/identity/profile/upload.ts",
  "src/modules/identity/sign-in-visit.ts",
  "src/modules/imports/upload.ts",
  "src/modules/limits/admission-check.ts",
  "src/modules/limits/admission.ts",
  "src/modules/limits/route-class.ts",
  "src/modules/security/proxy-sighting.ts",
];

/** Folders in which no function has more than 70 lines. */
export const SHORT_FUNCTIONS: readonly string[] = [
  "src/db/",
  "src/lib/",
  "src/server/",
  "src/cli/",
  "src/channels/",
  "src/simulator/",
  "src/modules/delivery/",
  "src/modules/messages/",
  "src/modules/credits/",
];

/** The folder of the database schema. */
export const SCHEMA = "src/db/schema/";

/** The place that owns the tables of each schema file, and is the only one to write them. */
export const SCHEMA_OWNERS: Readonly<Record<string, string>> = {
  "brands.ts": "src/modules/brands/",
  "campaigns.ts": "src/modules/campaigns/",
  "chargebee.ts": "src/modules/chargebee/",
  "contacts.ts": "src/modules/contacts/",
  "conversations.ts": "src/modules/conversations/",
  "credits.ts": "src/modules/credits/",
  "idempotency.ts": "src/db/idempotency-keys.ts",
  "identity.ts": "src/modules/identity/",
  "imports.ts": "src/modules/imports/",
  "installation.ts": "src/db/installation.ts",
  "limits.ts": "src/modules/limits/",
  "messages.ts": "src/modules/messages/",
  "payments.ts": "src/modules/payments/",
  "senders.ts": "src/modules/senders/",
  "stored-files.ts": "src/modules/stored-files/",
  "suppressions.ts": "src/modules/suppressions/",
};

/** The owners of tables that differ from that of their schema file, or that no schema file has. */
export const TABLE_OWNERS: Readonly<Record<string, string>> = {
  contact_numbers: "src/db/word-index.ts",
  contact_terms: "src/db/word-index.ts",
  contact_words: "src/db/word-index.ts",
  campaign_senders: "src/modules/senders/",
  invitations: "src/modules/invitations/",
  schema_migrations: "src/db/",
};

/** Writes outside of the owner that are meant: the place, the tables (all without a list), and why. */
export const OTHER_WRITERS: readonly { place: string; tables?: readonly string[]; reason: string }[] = [
  { place: "src/db/transfer/", reason: "copies every table of one database to another" },
  { place: "src/simulator/", reason: "fills a database of its own with a simulated installation" },
];
