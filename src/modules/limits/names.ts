import { MINUTE, SECOND } from "../../lib/clock.ts";

/** Defines a limit: the amount that it bounds, and its subject. */
export interface LimitDefinition {
  /** `rate`: requests in a window. `quota`: stored rows or bytes. `concurrent`: work at the same time. */
  kind: "rate" | "quota" | "concurrent";
  /** `brand`: each brand with its owner, and each user without one. `user`: each user. `platform`: all together. */
  per: "brand" | "user" | "platform";
  unit: "requests" | "tries" | "rows" | "bytes";
  default: number;
  /** Null for limits that are no rate. */
  windowSeconds: number | null;
  description: string;
}

const perMinute = (count: number, description: string): LimitDefinition => ({
  kind: "rate",
  per: "brand",
  unit: "requests",
  default: count,
  windowSeconds: MINUTE / SECOND,
  description,
});
const rows = (count: number, description: string): LimitDefinition => ({
  kind: "quota",
  per: "brand",
  unit: "rows",
  default: count,
  windowSeconds: null,
  description,
});
const GIGABYTE = 1_000_000_000;

/** All limits. The defaults are far above the needs of a brand with a million contacts and a console that polls. */
export const LIMITS = {
  readsPerMinute: perMinute(6_000, "Requests that read"),
  writesPerMinute: perMinute(3_000, "Requests that write"),
  costlyPerMinute: perMinute(300, "Previews, launch costs and exports"),
  uploadsPerMinute: perMinute(60, "Uploads of images"),
  importsPerMinute: perMinute(60, "Uploads of contact files"),
  mailboxLoginsPerMinute: { ...perMinute(5, "Mailbox logins that failed"), unit: "tries" },
  mailboxLoginsPerDay: {
    ...perMinute(50, "Mailbox logins that failed, each day (UTC)"),
    unit: "tries",
    windowSeconds: 86_400,
  },
  costlyAtOnce: {
    kind: "concurrent",
    per: "brand",
    unit: "requests",
    default: 2,
    windowSeconds: null,
    description: "Concurrent previews, launch costs and exports; a few more wait",
  },
  importsAtOnce: { ...rows(10, "Contact files that are being imported"), kind: "concurrent" },
  contacts: rows(2_000_000, "Contacts"),
  campaigns: rows(20_000, "Campaigns"),
  mailboxes: rows(2_000, "Mailboxes"),
  voicemailNumbers: rows(1_000, "Voicemail numbers"),
  bans: rows(5_000_000, "Bans"),
  apiKeys: { ...rows(100, "API keys"), per: "user" },
  storedBytes: {
    ...rows(50 * GIGABYTE, "Contacts, conversations, templates, replies, import results and files being imported"),
    unit: "bytes",
  },
  importsOfAllBrands: {
    ...rows(200, "Contact files of all brands that are being imported"),
    kind: "concurrent",
    per: "platform",
  },
} as const satisfies Record<string, LimitDefinition>;

export type LimitName = keyof typeof LIMITS;
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** A value for each limit. */
export type Limits = Record<LimitName, number>;

/** The limits without overrides. */
export const DEFAULT_LIMITS = Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].default])) as Limits;

/** Allowed values of an override. A rate of a million in a minute is still exact in a `TokenBuckets`. */
export const LIMIT_BOUNDS: Record<LimitDefinition["kind"], { least: number; most: number }> = {
  rate: { least: 1, most: 1_000_000 },
  concurrent: { least: 1, most: 10_000 },
  quota: { least: 0, most: 1_000_000_000_000_000 },
};

export function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}
