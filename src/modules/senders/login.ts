import type { MailLogin, SmtpLogin } from "../../channels/channel.ts";
import type { emailAccounts } from "../../db/schema/senders.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import { parseGoogleGrant } from "./gmail.ts";

type Row = typeof emailAccounts.$inferSelect;

/** Names the row and column that a secret is encrypted for, so that it decrypts nowhere else. */
function getSecretContext(accountId: string): string {
  return `email_accounts|${accountId}|secret`;
}

/** Decrypts the login of a mailbox; null for a mailbox without a server (the simulator's). */
export function decryptLogin(vault: Vault, row: Row): MailLogin | null {
  if (row.provider === "SMTP") return decryptSmtpLogin(vault, row);
  if (row.secret === null) return null;
  return { mailbox: row.email, grant: parseGoogleGrant(vault.decrypt(row.secret, getSecretContext(row.id))) };
}

/** Decrypts the login of an SMTP mailbox; null for a mailbox without a server. */
export function decryptSmtpLogin(vault: Vault, row: Row): SmtpLogin | null {
  if (row.host === null || row.port === null) return null;
  const password = row.secret === null ? null : vault.decrypt(row.secret, getSecretContext(row.id));
  const { host, port, username, privateHost } = row;
  const login = { host, port, security: row.security ?? ("STARTTLS" as const), username, password };
  return privateHost ? { ...login, privateHost } : login;
}

/** Builds the columns that store a login; its secrets are encrypted together. */
export function encryptLogin(vault: Vault, accountId: string, login: MailLogin) {
  const encrypt = (secret: string) => vault.encrypt(secret, getSecretContext(accountId));
  if ("grant" in login) return { accountType: login.grant.type, secret: encrypt(JSON.stringify(login.grant)) };
  const { password, privateHost = false, ...open } = login;
  return { accountType: "SMTP" as const, ...open, privateHost, secret: password === null ? null : encrypt(password) };
}
