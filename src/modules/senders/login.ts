import type { MailLogin, SmtpLogin } from "../channels/channel.ts";
import type { emailAccounts } from "../db/schema/senders.ts";
import type { Vault } from "../secrets.ts";
import { readGrant } from "./gmail.ts";

type Row = typeof emailAccounts.$inferSelect;

/** Names the row and column that a secret is encrypted for, so that it decrypts nowhere else. */
function secretContext(accountId: string): string {
  return `email_accounts|${accountId}|secret`;
}

/** Decrypts the login of a mailbox; null for a mailbox without a server (the simulator's). */
export function loginOf(vault: Vault, row: Row): MailLogin | null {
  if (row.provider === "SMTP") return smtpLoginOf(vault, row);
  if (row.secret === null) return null;
  return { mailbox: row.email, grant: readGrant(vault.open(row.secret, secretContext(row.id))) };
}

/** Decrypts the login of an SMTP mailbox; null for a mailbox without a server. */
export function smtpLoginOf(vault: Vault, row: Row): SmtpLogin | null {
  if (row.host === null || row.port === null) return null;
  const password = row.secret === null ? null : vault.open(row.secret, secretContext(row.id));
  const { host, port, username, privateHost } = row;
  const login = { host, port, security: row.security ?? ("STARTTLS" as const), username, password };
  return privateHost ? { ...login, privateHost } : login;
}

/** Builds the columns that store a login; its secrets are encrypted together. */
export function sealLogin(vault: Vault, accountId: string, login: MailLogin) {
  const seal = (secret: string) => vault.seal(secret, secretContext(accountId));
  if ("grant" in login) return { accountType: login.grant.type, secret: seal(JSON.stringify(login.grant)) };
  const { password, privateHost = false, ...open } = login;
  return { accountType: "SMTP" as const, ...open, privateHost, secret: password === null ? null : seal(password) };
}
