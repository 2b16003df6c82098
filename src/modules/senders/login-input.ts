import type { GoogleGrant, MailLogin, SmtpLogin } from "../../channels/channel.ts";
import type { emailAccounts } from "../../db/schema/senders.ts";
import { normaliseEmail } from "../../lib/addresses.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import { invalid } from "../../lib/errors.ts";
import { buildGoogleGrant } from "./gmail.ts";
import { decryptSmtpLogin } from "./login.ts";
import type { EmailAccountUpdate, NewEmailAccount } from "./model.ts";

type Row = typeof emailAccounts.$inferSelect;

/**
 * Builds the login of a new mailbox. With a password and no user name, the address is the user name.
 * @throws AppError INVALID naming the field that is missing or does not fit the provider
 */
export function buildNewLogin(given: NewEmailAccount): MailLogin {
  const { provider = "SMTP", host, port, security, username, password, email } = given;
  const mailbox = normaliseEmail(email) ?? email;
  if (provider === "GMAIL") {
    const grant = buildGrant(given);
    if (grant === null) throw invalid("oauth", "expected oauth, serviceAccountKey or password (an app password)");
    return { mailbox, grant: assertGrantType(grant, given.accountType) };
  }
  assertNoGrant(given);
  if (given.accountType !== undefined && given.accountType !== "SMTP") {
    throw invalid("accountType", "expected SMTP for provider SMTP");
  }
  if (host === undefined) throw invalid("host", "expected the host name of the mail server");
  if (port === undefined) throw invalid("port", "expected 25, 465, 587 or 2525");
  if (security === undefined) throw invalid("security", "expected TLS, STARTTLS or NONE");
  return assertCredentialPair({
    host,
    port,
    security,
    username: username ?? (password ? mailbox : null),
    password: password ?? null,
  });
}

/**
 * Builds the login that a mailbox has after an update; null when the update does not touch it.
 * @throws AppError INVALID when the stored password would go to another server
 */
export function buildUpdatedLogin(vault: Vault, row: Row, change: EmailAccountUpdate): MailLogin | null {
  if (row.provider === "GMAIL") {
    const grant = buildGrant(change);
    return grant && { mailbox: row.email, grant };
  }
  assertNoGrant(change);
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
  // A user who may update an account must not obtain its password by pointing the account at another server.
  if ("host" in named && named.host !== row.host && row.secret !== null && !("password" in named)) {
    throw invalid("password", "required when the host changes");
  }
  const { host, port, security } = { host: row.host, port: row.port, security: row.security, ...named };
  if (host === null || port === null || security === null) {
    throw invalid("host", "expected host, port and security together, because this mailbox has no server yet");
  }
  const stored = decryptSmtpLogin(vault, row) ?? { username: null, password: null };
  return assertCredentialPair({ ...stored, ...named, host, port, security });
}

type LoginFields = Pick<
  EmailAccountUpdate,
  "host" | "port" | "security" | "username" | "password" | "oauth" | "serviceAccountKey"
>;

/** @throws AppError INVALID for a server field: Google's servers are fixed */
function buildGrant(given: LoginFields): GoogleGrant | null {
  for (const field of ["host", "port", "security", "username"] as const) {
    if (given[field] !== undefined)
      throw invalid(field, "not allowed for provider GMAIL: its server and user name are fixed");
  }
  if (given.password === null) throw invalid("password", "expected an app password");
  return buildGoogleGrant(given);
}

function assertGrantType(grant: GoogleGrant, type: GoogleGrant["type"] | undefined): GoogleGrant {
  if (type === undefined || type === grant.type) return grant;
  throw invalid("accountType", `expected ${grant.type} with these credentials`);
}

function assertNoGrant({ oauth, serviceAccountKey }: LoginFields): void {
  if (oauth !== undefined) throw invalid("oauth", "only allowed for provider GMAIL");
  if (serviceAccountKey !== undefined) throw invalid("serviceAccountKey", "only allowed for provider GMAIL");
}

function assertCredentialPair(login: SmtpLogin): SmtpLogin {
  if (login.username !== null && login.password === null) throw invalid("password", "required with a user name");
  if (login.username === null && login.password !== null) throw invalid("username", "required with a password");
  return login;
}
