import { GMAIL, type GmailEndpoints } from "./channels/google.ts";
import { type PrivateNetwork, parsePrivateNetworks } from "./channels/privateNetworks.ts";
import { parseSystemMailbox, type SystemMailbox } from "./channels/systemMail.ts";
import { type Catalog, readCatalog } from "./chargebee/catalog.ts";
import type { ChargebeeSite } from "./chargebee/site.ts";
import { HOUR, MINUTE } from "./clock.ts";
import { readAddress } from "./db/address.ts";
import type { S3Settings } from "./files/s3.ts";
import { BODY_SETTINGS, type BodySettings } from "./http/bodyBudget.ts";
import { type LedgerAnchor, parseLedgerAnchor } from "./ledgerAnchor.ts";
import type { Level } from "./log.ts";
import { withSecretFiles } from "./secretFiles.ts";
import { flawOf } from "./secretStrength.ts";

/** Everything that can be set, read once from the environment. */
export interface Config {
  port: number;
  host: string;
  /** Where the SQLite file, the key file, images, imports in progress and the lock lie. */
  dataDir: string;
  databaseUrl: string | null;
  /** Connections to Postgres at the same time. */
  databasePool: number;
  redisUrl: string | null;
  /** The bucket for images; null: the data folder. */
  s3: S3Settings | null;
  /** How the outside reaches us: stands in unsubscribe links. No trailing slash. */
  publicUrl: string;
  /** Seals secrets at rest and signs links. Null: a key file in the data folder. */
  secret: string | null;
  signUp: "open" | "closed";
  /** From where verification links and invitations are mailed; null: an admin's word verifies. */
  systemMail: SystemMailbox | null;
  /** A session that is not used for this long ends. */
  sessionIdleMs: number;
  /** How long a sign-in counts as recent, for operations that want the password again. */
  reauthWindowMs: number;
  /** `simulator`: nothing leaves this machine; messages go to simulated people who answer. */
  channels: "live" | "simulator";
  /** Where the simulator writes what arrived, one JSON line for each; null: nowhere. */
  simulatorJournal: string | null;
  /** Whether every mailbox may name SMTP servers on any address and port, and without TLS. For a single tenant, or a test. */
  allowPrivateSmtp: boolean;
  /** Networks of the operator's own where admins may place mailboxes. */
  privateSmtpNetworks: readonly PrivateNetwork[];
  /** Where Google's mailboxes are reached: at Google, or through what the operator put before it. */
  gmail: GmailEndpoints;
  chargebee: {
    /** What webhooks must show; null: they are not taken. */
    webhook: { user: string; password: string } | null;
    /** Whom to ask for what never arrived; null: nobody is asked. */
    site: ChargebeeSite | null;
    /** What item prices bring. */
    catalog: Catalog;
  };
  /** The header in which a trusted proxy names the client's address, or null when clients connect directly. */
  clientAddressHeader: string | null;
  /** What request bodies may take of memory and time. */
  bodies: BodySettings;
  /** Below this sentiment (-1…1) a reply is hostile and bans its sender. */
  hostileBelow: number;
  /** Null: nowhere. */
  ledgerAnchor: LedgerAnchor | null;
  /** How long a stop may take in all, from the signal to the end of the process. */
  stopTimeoutSeconds: number;
  logLevel: Level;
  /** Bytes of the data folder's file system that uploads and imports leave free. */
  minFreeDiskBytes: number;
}

/** Every bad value at once, each with its name. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: string[]) {
    super(
      `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
  }
}

/** What says more about the bucket, and nothing without one. */
const S3_DETAILS = [
  "S3_ENDPOINT",
  "S3_REGION",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "S3_FORCE_PATH_STYLE",
  "S3_PREFIX",
];

/** Reads and checks the environment; throws one `ConfigError` that names every bad value (never its secret content). */
export function readConfig(env: Record<string, string | undefined>): Readonly<Config> {
  const problems: string[] = [];
  const complete = withSecretFiles(env, problems);
  const text = (name: string): string | null => complete[name]?.trim() || null;

  function number(name: string, fallback: number, low: number, high: number, whole = true): number {
    const given = text(name);
    if (given === null) return fallback;
    const value = Number(given);
    if (Number.isFinite(value) && value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
    problems.push(
      `${name}: expected a ${whole ? "whole " : ""}number from ${low} to ${high}, got ${JSON.stringify(given)}`,
    );
    return fallback;
  }

  function choice<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const given = text(name);
    if (given === null) return fallback;
    const found = choices.find((item) => item === given.toLowerCase());
    if (!found) problems.push(`${name}: expected one of ${choices.join(", ")}, got ${JSON.stringify(given)}`);
    return found ?? fallback;
  }

  function url(name: string, protocols: readonly string[]): string | null {
    const given = text(name);
    if (given === null) return null;
    const parsed = URL.parse(given);
    if (parsed && protocols.includes(parsed.protocol) && parsed.hostname) return given.replace(/\/+$/, "");
    // The value may hold a password: it is not repeated.
    problems.push(
      `${name}: expected a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    );
    return null;
  }

  /** Not `url`: it may name several hosts. */
  function databaseUrl(): string | null {
    const given = text("DATABASE_URL");
    if (given === null || readAddress(given)) return given;
    problems.push("DATABASE_URL: expected a URL that starts with postgres:// or postgresql://");
    return null;
  }

  function s3(): S3Settings | null {
    const bucket = text("S3_BUCKET");
    const endpoint = url("S3_ENDPOINT", ["http:", "https:"]);
    const [id, secret] = [text("S3_ACCESS_KEY_ID"), text("S3_SECRET_ACCESS_KEY")];
    const region = text("S3_REGION") ?? "us-east-1";
    const prefix = text("S3_PREFIX")?.replace(/^\/+|\/+$/g, "") ?? "";
    const pathStyle = choice("S3_FORCE_PATH_STYLE", ["true", "false"], endpoint === null ? "false" : "true") === "true";
    if (bucket !== null && !/^[\w.-]{3,63}$/.test(bucket))
      problems.push(`S3_BUCKET: expected the name of a bucket, got ${JSON.stringify(bucket)}`);
    if (!/^[\w-]+$/.test(region)) problems.push(`S3_REGION: expected a region's name, got ${JSON.stringify(region)}`);
    if (!/^[\w./-]*$/.test(prefix))
      problems.push(`S3_PREFIX: expected letters, digits, ".", "_", "-" and "/", got ${JSON.stringify(prefix)}`);
    if ((id === null) !== (secret === null)) {
      const [missing, given] =
        id === null ? ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] : ["S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"];
      problems.push(`${missing}: expected beside ${given}; set both, or neither to use the machine's own role`);
    }
    const useless = S3_DETAILS.find((name) => bucket === null && text(name) !== null);
    if (useless) problems.push(`S3_BUCKET: expected the name of a bucket, because ${useless} is set`);
    if (bucket === null) return null;
    const keys = id === null || secret === null ? null : { id, secret };
    return { bucket, region, endpoint, pathStyle, keys, prefix: prefix && `${prefix}/` };
  }

  function privateSmtp(): Pick<Config, "allowPrivateSmtp" | "privateSmtpNetworks"> {
    const allowPrivateSmtp = choice("SMTP_ALLOW_PRIVATE_HOSTS", ["true", "false"], "false") === "true";
    const networks = parsePrivateNetworks(text("SMTP_PRIVATE_NETWORKS") ?? "");
    if (typeof networks === "string") problems.push(`SMTP_PRIVATE_NETWORKS: ${networks}`);
    else if (allowPrivateSmtp && networks.length > 0)
      problems.push("SMTP_PRIVATE_NETWORKS: expected without SMTP_ALLOW_PRIVATE_HOSTS=true, which opens every network");
    return { allowPrivateSmtp, privateSmtpNetworks: typeof networks === "string" ? [] : networks };
  }

  function gmail(): GmailEndpoints {
    const smtp = URL.parse(url("GMAIL_SMTP_URL", ["smtps:"]) ?? "");
    const tokenUrl = url("GMAIL_TOKEN_URL", ["https:", "http:"]) ?? GMAIL.tokenUrl;
    return smtp ? { host: smtp.hostname, port: Number(smtp.port || 465), tokenUrl } : { ...GMAIL, tokenUrl };
  }

  /** Two settings of which neither means anything alone. */
  function pair(first: string, second: string): [string, string] | null {
    const [one, other] = [text(first), text(second)];
    if (one !== null && other !== null) return [one, other];
    if (one !== null || other !== null)
      problems.push(`${one === null ? first : second}: expected beside ${one === null ? second : first}`);
    return null;
  }

  function systemMail(): SystemMailbox | null {
    const given = pair("SYSTEM_SMTP_URL", "SYSTEM_MAIL_FROM");
    const read = given && parseSystemMailbox(...given);
    if (typeof read === "string") problems.push(read);
    return typeof read === "string" ? null : read;
  }

  function chargebee(): Config["chargebee"] {
    const webhook = pair("CHARGEBEE_WEBHOOK_USER", "CHARGEBEE_WEBHOOK_PASSWORD");
    const site = pair("CHARGEBEE_SITE", "CHARGEBEE_API_KEY");
    if (site && !/^[a-z0-9-]+$/i.test(site[0]))
      problems.push("CHARGEBEE_SITE: expected the name before .chargebee.com");
    const apiUrl = url("CHARGEBEE_API_URL", ["https:", "http:"]);
    const catalog = readCatalog(text("CHARGEBEE_CREDITS") ?? "{}");
    if (typeof catalog === "string") problems.push(`CHARGEBEE_CREDITS: ${catalog}`);
    return {
      webhook: webhook && { user: webhook[0], password: webhook[1] },
      site: site && { url: apiUrl ?? `https://${site[0]}.chargebee.com`, apiKey: site[1] },
      catalog: typeof catalog === "string" ? new Map() : catalog,
    };
  }

  const port = number("PORT", 3000, 0, 65_535);
  const secret = text("REPRISE_SECRET");
  const flaw = secret && flawOf(secret);
  if (flaw) problems.push(`REPRISE_SECRET: ${flaw}`);
  const channels = choice("CHANNELS", ["live", "simulator"], "live");
  const simulatorJournal = text("SIMULATOR_JOURNAL");
  if (simulatorJournal !== null && channels !== "simulator")
    problems.push("SIMULATOR_JOURNAL: expected only with CHANNELS=simulator");

  const config: Config = {
    port,
    host: text("HOST") ?? "0.0.0.0",
    dataDir: text("DATA_DIR") ?? "./data",
    databaseUrl: databaseUrl(),
    databasePool: number("DATABASE_POOL", 10, 2, 200),
    redisUrl: url("REDIS_URL", ["redis:", "rediss:"]),
    publicUrl: url("PUBLIC_URL", ["http:", "https:"]) ?? `http://localhost:${port}`,
    s3: s3(),
    secret,
    signUp: choice("SIGN_UP", ["open", "closed"], "closed"),
    systemMail: systemMail(),
    sessionIdleMs: number("SESSION_IDLE_HOURS", 24, 1, 168) * HOUR,
    reauthWindowMs: number("REAUTH_WINDOW_MINUTES", 15, 1, 1440) * MINUTE,
    channels,
    simulatorJournal,
    ...privateSmtp(),
    gmail: gmail(),
    chargebee: chargebee(),
    clientAddressHeader: text("CLIENT_ADDRESS_HEADER")?.toLowerCase() ?? null,
    bodies: {
      budgetBytes: number("BODY_MEMORY_MB", BODY_SETTINGS.budgetBytes / 1e6, 8, 100_000) * 1e6,
      clientBudgetBytes: number("BODY_MEMORY_PER_CLIENT_MB", BODY_SETTINGS.clientBudgetBytes / 1e6, 8, 100_000) * 1e6,
      timeoutMs: number("BODY_TIMEOUT_SECONDS", BODY_SETTINGS.timeoutMs / 1000, 1, 3600) * 1000,
      bytesPerSecond: number("BODY_MIN_KB_PER_SECOND", BODY_SETTINGS.bytesPerSecond / 1000, 1, 1_000_000) * 1000,
    },
    hostileBelow: number("HOSTILE_BELOW", -0.6, -1, 0, false),
    minFreeDiskBytes: number("MIN_FREE_DISK_MB", 512, 0, 1_000_000) * 1_000_000,
    ledgerAnchor: parseLedgerAnchor(text("LEDGER_ANCHOR"), problems),
    stopTimeoutSeconds: number("STOP_TIMEOUT_SECONDS", 9, 1, 600),
    logLevel: choice("LOG_LEVEL", ["debug", "info", "warn", "error", "silent"], "info"),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}
