import { normaliseEmail } from "../address.ts";
import type { GoogleGrant, MailLogin, SmtpLogin } from "../channels/channel.ts";
import type { emailAccounts } from "../db/schema/senders.ts";
import { invalid } from "../fault.ts";
import type { Vault } from "../secrets.ts";
import { grantOf } from "./gmail.ts";
import { smtpLoginOf } from "./login.ts";
import type { EmailAccountChange, NewEmailAccount } from "./model.ts";

type Row = typeof emailAccounts.$inferSelect;

/** The login in an order for a new mailbox. Whoever gives a password and no user name logs in by the address. */
export function newLogin(given: NewEmailAccount): MailLogin {
  const { provider = "SMTP", host, port, security, username, password, email } = given;
  const mailbox = normaliseEmail(email) ?? email;
  if (provider === "GMAIL") {
    const grant = newGrant(given);
    if (grant === null) throw invalid("oauth", "expected oauth, serviceAccountKey or password (an app password)");
    return { mailbox, grant: ofType(grant, given.accountType) };
  }
  refuseGrants(given);
  if (given.accountType !== undefined && given.accountType !== "SMTP") {
    throw invalid("accountType", "expected SMTP for a mailbox of the provider SMTP");
  }
  if (host === undefined) throw invalid("host", "expected the name of the mail server");
  if (port === undefined) throw invalid("port", "expected 25, 465, 587 or 2525");
  if (security === undefined) throw invalid("security", "expected TLS, STARTTLS or NONE");
  return checkPair({
    host,
    port,
    security,
    username: username ?? (password ? mailbox : null),
    password: password ?? null,
  });
}

/**
 * The login a mailbox would have after a change, or null when the change leaves it alone.
 * @throws Fault INVALID when the stored password would go to another server
 */
export function changedLogin(vault: Vault, row: Row, change: EmailAccountChange): MailLogin | null {
  if (row.provider === "GMAIL") {
    const grant = newGrant(change);
    return grant && { mailbox: row.email, grant };
  }
  refuseGrants(change);
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
  const stored = smtpLoginOf(vault, row) ?? { username: null, password: null };
  return checkPair({ ...stored, ...named, host, port, security });
}

type Given = Pick<
  EmailAccountChange,
  "host" | "port" | "security" | "username" | "password" | "oauth" | "serviceAccountKey"
>;

/** Google's servers are known: nothing about them may be said. */
function newGrant(given: Given): GoogleGrant | null {
  for (const field of ["host", "port", "security", "username"] as const) {
    if (given[field] !== undefined) throw invalid(field, "leave it out: GMAIL's server and user name are known");
  }
  if (given.password === null) throw invalid("password", "expected an app password");
  return grantOf(given);
}

function ofType(grant: GoogleGrant, type: GoogleGrant["type"] | undefined): GoogleGrant {
  if (type === undefined || type === grant.type) return grant;
  throw invalid("accountType", `expected ${grant.type} with these credentials`);
}

function refuseGrants({ oauth, serviceAccountKey }: Given): void {
  if (oauth !== undefined) throw invalid("oauth", "only for a mailbox of the provider GMAIL");
  if (serviceAccountKey !== undefined) throw invalid("serviceAccountKey", "only for a mailbox of the provider GMAIL");
}

function checkPair(login: SmtpLogin): SmtpLogin {
  if (login.username !== null && login.password === null) throw invalid("password", "expected one for this user name");
  if (login.username === null && login.password !== null) throw invalid("username", "expected one for this password");
  return login;
}
