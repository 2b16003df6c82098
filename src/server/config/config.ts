import type { GmailEndpoints } from "../../channels/email/google-login.ts";
import type { SystemMailbox } from "../../channels/email/system-mail.ts";
import { parseDatabaseUrl } from "../../db/database-url.ts";
import { BODY_SETTINGS, type BodySettings } from "../../http/middleware/body-budget.ts";
import { HOUR, MINUTE } from "../../lib/clock.ts";
import { findSecretFlaw } from "../../lib/crypto/secret-strength.ts";
import type { Level } from "../../lib/logger.ts";
import type { Settings } from "../../modules/deps.ts";
import { parseChargebee } from "./chargebee-settings.ts";
import { EnvironmentParser } from "./environment.ts";
import { type LedgerAnchor, parseLedgerAnchor } from "./ledger-anchor.ts";
import { parseGmailEndpoints, parsePrivateSmtp, parseSystemMail } from "./mail-settings.ts";
import { withSecretFiles } from "./secret-files.ts";
import { parseS3Settings } from "./storage-settings.ts";

/** Holds every setting, parsed once from the environment. */
export interface Config extends Settings {
  port: number;
  host: string;
  databaseUrl: string | null;
  /** Connections to Postgres at the same time. */
  databasePool: number;
  redisUrl: string | null;
  /** Encrypts secrets at rest and signs links. Null: a key file in the data folder. */
  secret: string | null;
  /** The sender of verification links and invitations; null: only an admin can verify an address. */
  systemMail: SystemMailbox | null;
  /** The file to which the simulator appends each delivery as a JSON line; null: none. */
  simulatorJournal: string | null;
  /** Google's mail servers, or the operator's own in place of them. */
  gmail: GmailEndpoints;
  /** File outside of the database that receives the heads of the ledger; null: none. */
  ledgerAnchor: LedgerAnchor | null;
  /** Total time of a stop, from the signal to the end of the process. */
  stopTimeoutSeconds: number;
  logLevel: Level;
}

/** Reports every bad value at once, each with its name. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: string[]) {
    super(
      `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
  }
}

/** Parses and checks the environment; throws one `ConfigError` that names every bad value (never its secret content). */
export function parseConfig(environment: Record<string, string | undefined>): Readonly<Config> {
  const problems: string[] = [];
  const env = new EnvironmentParser(withSecretFiles(environment, problems), problems);
  const port = env.integer("PORT", 3000, 0, 65_535);
  const config: Config = {
    port,
    host: env.text("HOST") ?? "0.0.0.0",
    dataDir: env.text("DATA_DIR") ?? "./data",
    databaseUrl: parsePostgresUrl(env),
    databasePool: env.integer("DATABASE_POOL", 10, 2, 200),
    redisUrl: env.url("REDIS_URL", ["redis:", "rediss:"]),
    publicUrl: env.url("PUBLIC_URL", ["http:", "https:"]) ?? `http://localhost:${port}`,
    s3: parseS3Settings(env),
    secret: parseSecret(env),
    signUp: env.choice("SIGN_UP", ["open", "closed"], "closed"),
    systemMail: parseSystemMail(env),
    sessionIdleMs: env.integer("SESSION_IDLE_HOURS", 24, 1, 168) * HOUR,
    reauthWindowMs: env.integer("REAUTH_WINDOW_MINUTES", 15, 1, 1440) * MINUTE,
    ...parseChannels(env),
    ...parsePrivateSmtp(env),
    gmail: parseGmailEndpoints(env),
    chargebee: parseChargebee(env),
    clientAddressHeader: env.text("CLIENT_ADDRESS_HEADER")?.toLowerCase() ?? null,
    bodies: parseBodySettings(env),
    hostileBelow: env.number("HOSTILE_BELOW", -0.6, -1, 0),
    minFreeDiskBytes: env.integer("MIN_FREE_DISK_MB", 512, 0, 1_000_000) * 1_000_000,
    ledgerAnchor: parseLedgerAnchor(env.text("LEDGER_ANCHOR"), problems),
    stopTimeoutSeconds: env.integer("STOP_TIMEOUT_SECONDS", 9, 1, 600),
    logLevel: env.choice("LOG_LEVEL", ["debug", "info", "warn", "error", "silent"], "info"),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

/** Parses DATABASE_URL, which may name several hosts, unlike other URLs. */
function parsePostgresUrl(env: EnvironmentParser): string | null {
  const given = env.text("DATABASE_URL");
  if (given === null || parseDatabaseUrl(given)) return given;
  env.problems.push("DATABASE_URL: expected a URL that starts with postgres:// or postgresql://");
  return null;
}

function parseSecret(env: EnvironmentParser): string | null {
  const secret = env.text("REPRISE_SECRET");
  const flaw = secret && findSecretFlaw(secret);
  if (flaw) env.problems.push(`REPRISE_SECRET: ${flaw}`);
  return secret;
}

function parseChannels(env: EnvironmentParser): Pick<Config, "channels" | "simulatorJournal"> {
  const channels = env.choice("CHANNELS", ["live", "simulator"], "live");
  const simulatorJournal = env.text("SIMULATOR_JOURNAL");
  if (simulatorJournal !== null && channels !== "simulator")
    env.problems.push("SIMULATOR_JOURNAL: expected only with CHANNELS=simulator");
  return { channels, simulatorJournal };
}

function parseBodySettings(env: EnvironmentParser): BodySettings {
  const megabytes = (name: string, bytes: number) => env.integer(name, bytes / 1e6, 8, 100_000) * 1e6;
  return {
    budgetBytes: megabytes("BODY_MEMORY_MB", BODY_SETTINGS.budgetBytes),
    clientBudgetBytes: megabytes("BODY_MEMORY_PER_CLIENT_MB", BODY_SETTINGS.clientBudgetBytes),
    timeoutMs: env.integer("BODY_TIMEOUT_SECONDS", BODY_SETTINGS.timeoutMs / 1000, 1, 3600) * 1000,
    bytesPerSecond: env.integer("BODY_MIN_KB_PER_SECOND", BODY_SETTINGS.bytesPerSecond / 1000, 1, 1_000_000) * 1000,
  };
}
