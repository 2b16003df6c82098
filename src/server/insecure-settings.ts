import { parseDatabaseUrl } from "../db/database-url.ts";
import { rateSecret } from "../lib/crypto/secret-strength.ts";
import { parseAddress } from "../lib/network/address-rules.ts";
import type { SecurityFinding, Severity } from "../modules/security/findings.ts";
import type { Config } from "./config/config.ts";

/** Shortest recommended password that only a program types. */
const MIN_WEBHOOK_PASSWORD_CHARS = 16;

type Rule = (config: Config) => SecurityFinding | false;

/** Lists insecure settings of the configuration, and the problems found in the data folder. */
export function findInsecureSettings(config: Config, folderProblems: readonly string[]): SecurityFinding[] {
  const folder = folderProblems.map((problem, index) =>
    finding(
      `data-folder${index === 0 ? "" : `-${index + 1}`}`,
      "HIGH",
      problem,
      "See docs/operating.md, The data folder",
    ),
  );
  return [...RULES.flatMap((rule) => rule(config) || []), ...folder];
}

function finding(key: string, severity: Severity, message: string, remedy: string): SecurityFinding {
  return { key, severity, message, remedy };
}

const RULES: Rule[] = [
  ({ publicUrl }) =>
    isPlainHttp(publicUrl) &&
    finding(
      "public-url-http",
      "HIGH",
      "PUBLIC_URL is plain http: passwords, sessions and unsubscribe links can be read and changed on the network",
      "Put a proxy with TLS in front and set PUBLIC_URL to its https:// address",
    ),
  ({ publicUrl, host }) =>
    isLocalHost(new URL(publicUrl).hostname) &&
    !isLocalHost(host) &&
    finding(
      "public-url-local",
      "MEDIUM",
      `PUBLIC_URL is ${publicUrl}, and HOST ${host} lets other machines in: cookies are sent without TLS, and links in mails lead nowhere`,
      "Set PUBLIC_URL to the outside https:// address, or HOST=127.0.0.1 to serve this machine only",
    ),
  ({ signUp }) =>
    signUp === "open" &&
    finding("sign-up-open", "MEDIUM", "SIGN_UP is open: anybody can create an account", "Set SIGN_UP=closed"),
  ({ systemMail }) =>
    systemMail !== null &&
    isRemote(systemMail.url) &&
    systemMail.url.startsWith("smtp:") &&
    URL.parse(systemMail.url)?.username === "" &&
    finding(
      "system-mail-clear",
      "MEDIUM",
      "SYSTEM_SMTP_URL does not require TLS: verification links and invitations may be read on the network",
      "Use smtps://, or smtp:// with a user name and a password",
    ),
  ({ secret }) =>
    secret !== null &&
    rateSecret(secret) !== "good" &&
    finding(
      "secret-weak",
      "HIGH",
      "REPRISE_SECRET can be guessed: it encrypts mailbox passwords and signs links and sessions",
      "Use a random one (openssl rand -base64 32); docs/operating.md describes the effects of a change",
    ),
  ({ allowPrivateSmtp }) =>
    allowPrivateSmtp &&
    finding(
      "smtp-private-hosts",
      "HIGH",
      "SMTP_ALLOW_PRIVATE_HOSTS opens every address and port of your network to every user",
      "List the networks and ports of your mail servers in SMTP_PRIVATE_NETWORKS instead",
    ),
  ({ databaseUrl }) =>
    databaseUrl !== null &&
    parseDatabaseUrl(databaseUrl)?.hosts.some(({ host }) => !isLocalHost(host)) === true &&
    !usesTls(databaseUrl) &&
    finding(
      "database-without-tls",
      "MEDIUM",
      "DATABASE_URL names another machine and does not require TLS: its password and all data can be read on the network",
      "Add ?sslmode=verify-full (or require) to DATABASE_URL",
    ),
  ({ redisUrl }) =>
    isRemote(redisUrl) &&
    redisUrl?.startsWith("redis:") === true &&
    finding(
      "redis-without-tls",
      "MEDIUM",
      "REDIS_URL names another machine and does not use TLS",
      "Use rediss:// in REDIS_URL",
    ),
  ({ redisUrl }) =>
    isRemote(redisUrl) &&
    URL.parse(redisUrl ?? "")?.password === "" &&
    finding(
      "redis-without-password",
      "MEDIUM",
      "REDIS_URL names another machine and has no password",
      "Set a password in Redis and in REDIS_URL",
    ),
  ({ s3 }) =>
    isPlainHttp(s3?.endpoint ?? null) &&
    finding("s3-http", "MEDIUM", "S3_ENDPOINT is plain http on another machine", "Use https:// in S3_ENDPOINT"),
  ({ gmail }) =>
    isPlainHttp(gmail.tokenUrl) &&
    finding(
      "gmail-token-url-http",
      "HIGH",
      "GMAIL_TOKEN_URL is plain http: refresh tokens can be read on the network",
      "Use https:// in GMAIL_TOKEN_URL",
    ),
  ({ chargebee: { site } }) =>
    isPlainHttp(site?.url ?? null) &&
    finding(
      "chargebee-api-url-http",
      "HIGH",
      "CHARGEBEE_API_URL is plain http: the API key can be read on its way",
      "Use https:// in CHARGEBEE_API_URL",
    ),
  ({ chargebee: { webhook } }) =>
    webhook !== null &&
    (webhook.password.length < MIN_WEBHOOK_PASSWORD_CHARS || rateSecret(webhook.password) === "hopeless") &&
    finding(
      "chargebee-webhook-password-weak",
      "HIGH",
      `CHARGEBEE_WEBHOOK_PASSWORD can be guessed: with it anybody can grant credits`,
      `Use a random one of ${MIN_WEBHOOK_PASSWORD_CHARS} characters or more, here and at Chargebee`,
    ),
  ({ channels }) =>
    channels === "simulator" &&
    finding("channels-simulator", "LOW", "CHANNELS is simulator: nothing is really sent", "Unset CHANNELS to send"),
  ({ logLevel }) =>
    logLevel === "debug" &&
    finding(
      "log-level-debug",
      "LOW",
      "LOG_LEVEL is debug: the log contains more detail than operation needs",
      "Unset LOG_LEVEL",
    ),
];

/** Returns whether a URL is http:// to another machine. */
function isPlainHttp(url: string | null): boolean {
  return url?.startsWith("http:") === true && isRemote(url);
}

function isRemote(url: string | null): boolean {
  const parsed = url === null ? null : URL.parse(url);
  return parsed !== null && !isLocalHost(parsed.hostname);
}

/** Returns whether a host is this machine. */
function isLocalHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  // A path is a socket.
  if (name === "localhost" || name.endsWith(".localhost") || name.startsWith("/")) return true;
  return parseAddress(name)?.range() === "loopback";
}

/** Returns whether a connection must be encrypted; `prefer` and `allow` accept plain ones. */
function usesTls(databaseUrl: string): boolean {
  const query = new URLSearchParams(databaseUrl.split("?")[1] ?? "");
  const mode = query.get("sslmode") ?? query.get("ssl") ?? (query.get("sslrootcert") === "system" ? "verify-full" : "");
  return ["require", "verify-ca", "verify-full", "true"].includes(mode);
}
