import type { SmtpLogin } from "../channels/channel.ts";
import type { emailAccounts } from "../db/schema/brands.ts";
import type { Vault } from "../secrets.ts";

/** Where a mailbox's password is sealed for. */
export function secretContext(accountId: string): string {
  return `email_accounts|${accountId}|secret`;
}

/** How to log in to a mailbox's server; null for a mailbox that has none (the simulator's). The password is in the clear. */
export function loginOf(vault: Vault, row: typeof emailAccounts.$inferSelect): SmtpLogin | null {
  if (row.host === null || row.port === null) return null;
  const password = row.secret === null ? null : vault.open(row.secret, secretContext(row.id));
  return { host: row.host, port: row.port, security: row.security ?? "STARTTLS", username: row.username, password };
}
