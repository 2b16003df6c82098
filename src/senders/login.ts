import type { MailLogin, SmtpLogin } from "../channels/channel.ts";
import type { emailAccounts } from "../db/schema/senders.ts";
import type { Vault } from "../secrets.ts";
import { readGrant } from "./gmail.ts";

type Row = typeof emailAccounts.$inferSelect;

/** Where a mailbox's password is sealed for. */
function secretContext(accountId: string): string {
  return `email_accounts|${accountId}|secret`;
}

/** How to log in to a mailbox's server; null for a mailbox that has none (the simulator's). The password is in the clear. */
export function loginOf(vault: Vault, row: Row): MailLogin | null {
  if (row.provider === "SMTP") return smtpLoginOf(vault, row);
  if (row.secret === null) return null;
  return { mailbox: row.email, grant: readGrant(vault.open(row.secret, secretContext(row.id))) };
}

export function smtpLoginOf(vault: Vault, row: Row): SmtpLogin | null {
  if (row.host === null || row.port === null) return null;
  const password = row.secret === null ? null : vault.open(row.secret, secretContext(row.id));
  const { host, port, username, privateHost } = row;
  const login = { host, port, security: row.security ?? ("STARTTLS" as const), username, password };
  return privateHost ? { ...login, privateHost } : login;
}

/** A login as it is stored: what is secret of it is sealed, as one. */
export function sealLogin(vault: Vault, accountId: string, login: MailLogin) {
  const seal = (secret: string) => vault.seal(secret, secretContext(accountId));
  if ("grant" in login) return { accountType: login.grant.type, secret: seal(JSON.stringify(login.grant)) };
  const { password, privateHost = false, ...open } = login;
  return { accountType: "SMTP" as const, ...open, privateHost, secret: password === null ? null : seal(password) };
}
