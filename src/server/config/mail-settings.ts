import { DEFAULT_GMAIL_ENDPOINTS, type GmailEndpoints } from "../../channels/email/google-login.ts";
import { parseSystemMailbox, type SystemMailbox } from "../../channels/email/system-mail.ts";
import { parsePrivateNetworks } from "../../lib/network/private-networks.ts";
import type { Settings } from "../../modules/deps.ts";
import type { EnvironmentParser } from "./environment.ts";

/** Parses SMTP_ALLOW_PRIVATE_HOSTS and SMTP_PRIVATE_NETWORKS. */
export function parsePrivateSmtp(env: EnvironmentParser): Pick<Settings, "allowPrivateSmtp" | "privateSmtpNetworks"> {
  const allowPrivateSmtp = env.boolean("SMTP_ALLOW_PRIVATE_HOSTS", false);
  const networks = parsePrivateNetworks(env.text("SMTP_PRIVATE_NETWORKS") ?? "");
  if (typeof networks === "string") env.problems.push(`SMTP_PRIVATE_NETWORKS: ${networks}`);
  else if (allowPrivateSmtp && networks.length > 0)
    env.problems.push(
      "SMTP_PRIVATE_NETWORKS: expected without SMTP_ALLOW_PRIVATE_HOSTS=true, which opens every network",
    );
  return { allowPrivateSmtp, privateSmtpNetworks: typeof networks === "string" ? [] : networks };
}

/** Parses GMAIL_*, the addresses of servers that the operator runs in place of Google's. */
export function parseGmailEndpoints(env: EnvironmentParser): GmailEndpoints {
  const smtp = URL.parse(env.url("GMAIL_SMTP_URL", ["smtps:"]) ?? "");
  const tokenUrl = env.url("GMAIL_TOKEN_URL", ["https:", "http:"]) ?? DEFAULT_GMAIL_ENDPOINTS.tokenUrl;
  return smtp
    ? { host: smtp.hostname, port: Number(smtp.port || 465), tokenUrl }
    : { ...DEFAULT_GMAIL_ENDPOINTS, tokenUrl };
}

/** Parses SYSTEM_*; null when there is no mailbox for verification links and invitations. */
export function parseSystemMail(env: EnvironmentParser): SystemMailbox | null {
  const given = env.pair("SYSTEM_SMTP_URL", "SYSTEM_MAIL_FROM");
  const mailbox = given && parseSystemMailbox(...given);
  if (typeof mailbox !== "string") return mailbox;
  env.problems.push(mailbox);
  return null;
}
