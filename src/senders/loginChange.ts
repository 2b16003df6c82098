import { normaliseEmail } from "../address.ts";
import type { SmtpLogin } from "../channels/channel.ts";
import type { emailAccounts } from "../db/schema/brands.ts";
import { invalid } from "../fault.ts";
import type { Vault } from "../secrets.ts";
import { loginOf, secretContext } from "./login.ts";
import type { EmailAccountChange, NewEmailAccount } from "./model.ts";

/** The login in an order for a new mailbox. Whoever gives a password and no user name logs in by the address. */
export function newLogin({ host, port, security, username, password, email }: NewEmailAccount): SmtpLogin {
  const name = username ?? (password ? (normaliseEmail(email) ?? email) : null);
  return checkPair({ host, port, security, username: name, password: password ?? null });
}

/**
 * The login a mailbox would have after a change, or null when the change leaves it alone.
 * @throws Fault INVALID when the stored password would go to another server
 */
export function changedLogin(
  vault: Vault,
  row: typeof emailAccounts.$inferSelect,
  change: EmailAccountChange,
): SmtpLogin | null {
  const named = Object.fromEntries(
    Object.entries({
      host: change.host,
      port: change.port,
      security: change.security,
      username: change.username,
      password: change.password,
    }).filter(([, value]) => value !== undefined),
  );
  if (Object.keys(named).length === 0) return null;
  // Who may change an account need not know its password, and must not learn it by pointing the account elsewhere.
  if ("host" in named && named.host !== row.host && row.secret !== null && !("password" in named)) {
    throw invalid("password", "give it again: the server has changed");
  }
  const { host, port, security } = { host: row.host, port: row.port, security: row.security, ...named };
  if (host === null || port === null || security === null) {
    throw invalid("host", "expected host, port and security together: this mailbox has no server yet");
  }
  const stored = loginOf(vault, row) ?? { username: null, password: null };
  return checkPair({ ...stored, ...named, host, port, security });
}

function checkPair(login: SmtpLogin): SmtpLogin {
  if (login.username !== null && login.password === null) throw invalid("password", "expected one for this user name");
  if (login.username === null && login.password !== null) throw invalid("username", "expected one for this password");
  return login;
}

/** A mailbox's password as it is stored. */
export function sealPassword(vault: Vault, id: string, password: string | null): string | null {
  return password === null ? null : vault.seal(password, secretContext(id));
}
