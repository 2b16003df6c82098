import type { MailLogin } from "../channels/channel.ts";
import { type HostPolicy, resolveHost, SMTP_PORTS } from "../channels/host.ts";
import { checkSecurity } from "../channels/privateNetworks.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { fieldOf } from "./gmail.ts";
import { tryCounted } from "./loginTries.ts";

/** What a try at a mailbox's login showed. */
export interface Connection {
  status: "CONNECTED" | "ERROR" | "REAUTH_REQUIRED";
  error: string | null;
  /** Whether it showed that the mailbox is really its user's: a login with a password or a token worked. */
  proves: boolean;
}

type Tools = Pick<Deps, "config" | "store" | "verifyMailbox">;

/**
 * Checks where a login that someone typed would connect to, and marks one that only an admin may give: a server in
 * SMTP_PRIVATE_NETWORKS. Network I/O: never call it inside a transaction.
 * @param stored the login that is to be replaced, or null
 * @throws Fault INVALID for a server that may not be connected to, FORBIDDEN for a user at an admin's server
 */
export async function checkServer(
  { config }: Pick<Deps, "config">,
  login: MailLogin,
  stored: MailLogin | null,
  isAdmin: boolean,
): Promise<MailLogin> {
  if (!isAdmin && stored !== null && "host" in stored && stored.privateHost)
    throw new Fault("FORBIDDEN", "This mailbox is on a private network: only an admin may change its login");
  if (!("host" in login)) return login;
  const { privateHost: _, ...given } = login;
  const policy = policyOf(config, isAdmin);
  checkSecurity(given.security, policy.allowPrivate || (policy.networks?.length ?? 0) > 0);
  if (config.channels === "simulator") return given;
  const { isPrivate, needsNetworks } = await resolveHost(given.host, given.port, policy);
  checkSecurity(given.security, policy.allowPrivate || isPrivate);
  return needsNetworks ? { ...given, privateHost: true } : given;
}

function policyOf(config: Deps["config"], isAdmin: boolean): HostPolicy {
  const networks = isAdmin ? config.privateSmtpNetworks : [];
  return { allowPrivate: config.allowPrivateSmtp, networks, ports: SMTP_PORTS };
}

/**
 * Logs in at a mailbox's server, for real; with simulated channels nothing is asked, as nothing would be sent there either.
 * Network I/O: never call it inside a transaction. Counts against the limits of the brand until it has succeeded.
 * @throws Fault RATE_LIMITED after too many failures
 */
async function tryLogin(
  { config, store, verifyMailbox }: Tools,
  login: MailLogin,
  brandId: string | null,
): Promise<Connection> {
  // Nothing leaves the machine: nobody can be harmed by an address that is another's.
  if (config.channels === "simulator") return { status: "CONNECTED", error: null, proves: true };
  return tryCounted<Connection>(store, brandId, login, async () => {
    const answer = await verifyMailbox(login);
    // A server that lets anybody in says nothing about whose address it is.
    const proves = answer.ok && ("grant" in login || login.password !== null);
    if (answer.ok) return { succeeded: true, result: { status: "CONNECTED", error: null, proves } };
    const status = answer.reauth ? "REAUTH_REQUIRED" : "ERROR";
    return { succeeded: false, result: { status, error: answer.reason.slice(0, 500), proves } };
  });
}

/** Tries a login that someone typed. INVALID with the server's reason when it fails, unless they want it all the same. */
export async function mustConnect(
  tools: Tools,
  login: MailLogin,
  brandId: string | null,
  allowUnverified = false,
): Promise<Connection> {
  const connection = await tryLogin(tools, login, brandId);
  if (connection.error === null || allowUnverified) return connection;
  throw new Fault("INVALID", `The mailbox could not be connected: ${connection.error}`, {
    details: [{ field: "grant" in login ? fieldOf(login.grant) : "host", message: connection.error }],
  });
}

/** Takes an admin's word for a mailbox whose server answers: a relay that wants no password proves nothing by itself. */
export function vouched(connection: Connection, { role }: { role: "user" | "admin" }): Connection {
  return { ...connection, proves: connection.proves || (role === "admin" && connection.error === null) };
}

/**
 * Tries a login that is stored already: whatever is wrong with it is a finding, not a failure. Where it may connect to
 * has been judged by the mark it bears.
 */
export async function testLogin(tools: Tools, login: MailLogin, brandId: string | null): Promise<Connection> {
  try {
    if ("host" in login) await checkServer(tools, login, null, login.privateHost === true);
    return await tryLogin(tools, login, brandId);
  } catch (error) {
    if (error instanceof Fault && error.code !== "RATE_LIMITED")
      return { status: "ERROR", error: error.message, proves: false };
    throw error;
  }
}
