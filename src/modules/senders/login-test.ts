import type { MailLogin } from "../../channels/channel.ts";
import { AppError } from "../../lib/errors.ts";
import { type HostPolicy, resolveHost, SMTP_PORTS } from "../../lib/network/host.ts";
import { assertTls } from "../../lib/network/private-networks.ts";
import type { Deps } from "../deps.ts";
import { getGrantField } from "./gmail.ts";
import { runRateLimitedLogin } from "./login-rate-limit.ts";

/** The result of logging in to a mailbox's server. */
export interface LoginTest {
  status: "CONNECTED" | "ERROR" | "REAUTH_REQUIRED";
  error: string | null;
  /** True when the login proves that the mailbox is its user's: one with a password or a token worked. */
  provesOwnership: boolean;
}

type LoginTestDeps = Pick<Deps, "config" | "store" | "verifyMailbox">;

/**
 * Checks that a login may connect to its server, and sets `privateHost` on a login that only an admin may give: one for a
 * server in SMTP_PRIVATE_NETWORKS. Network I/O: never call it inside a transaction.
 * @param stored the login that is to be replaced, or null
 * @throws AppError INVALID for a server that may not be connected to, FORBIDDEN when a user changes a login with `privateHost`
 */
export async function assertServerAllowed(
  { config }: Pick<Deps, "config">,
  login: MailLogin,
  stored: MailLogin | null,
  isAdmin: boolean,
): Promise<MailLogin> {
  if (!isAdmin && stored !== null && "host" in stored && stored.privateHost)
    throw new AppError("FORBIDDEN", "This mailbox is on a private network: only an admin can change its login");
  if (!("host" in login)) return login;
  const { privateHost: _, ...given } = login;
  const policy = getHostPolicy(config, isAdmin);
  assertTls(given.security, policy.allowPrivate || (policy.networks?.length ?? 0) > 0);
  if (config.channels === "simulator") return given;
  const { isPrivate, needsNetworks } = await resolveHost(given.host, given.port, policy);
  assertTls(given.security, policy.allowPrivate || isPrivate);
  return needsNetworks ? { ...given, privateHost: true } : given;
}

function getHostPolicy(config: Deps["config"], isAdmin: boolean): HostPolicy {
  const networks = isAdmin ? config.privateSmtpNetworks : [];
  return { allowPrivate: config.allowPrivateSmtp, networks, ports: SMTP_PORTS };
}

/**
 * Logs in to a mailbox's server; with simulated channels it connects nowhere and succeeds.
 * Network I/O: never call it inside a transaction. Counts against the brand's login limits until it has succeeded.
 * @throws AppError RATE_LIMITED after too many failures
 */
async function logIn(
  { config, store, verifyMailbox }: LoginTestDeps,
  login: MailLogin,
  brandId: string | null,
): Promise<LoginTest> {
  // Nothing leaves the machine, so an address that belongs to another does no harm.
  if (config.channels === "simulator") return { status: "CONNECTED", error: null, provesOwnership: true };
  return runRateLimitedLogin<LoginTest>(store, brandId, login, async () => {
    const answer = await verifyMailbox(login);
    // A server that needs no password proves nothing about who owns the address.
    const provesOwnership = answer.ok && ("grant" in login || login.password !== null);
    if (answer.ok) return { succeeded: true, result: { status: "CONNECTED", error: null, provesOwnership } };
    const status = answer.reauth ? "REAUTH_REQUIRED" : "ERROR";
    return { succeeded: false, result: { status, error: answer.reason.slice(0, 500), provesOwnership } };
  });
}

/**
 * Logs in with credentials from a request.
 * @throws AppError INVALID with the server's reason when the login fails, unless `allowUnverified`
 */
export async function assertLoginWorks(
  deps: LoginTestDeps,
  login: MailLogin,
  brandId: string | null,
  allowUnverified = false,
): Promise<LoginTest> {
  const connection = await logIn(deps, login, brandId);
  if (connection.error === null || allowUnverified) return connection;
  throw new AppError("INVALID", `Logging in to the mailbox failed: ${connection.error}`, {
    details: [{ field: "grant" in login ? getGrantField(login.grant) : "host", message: connection.error }],
  });
}

/** Counts an admin's working login as proof: a relay that needs no password proves nothing by itself. */
export function withAdminVerification(connection: LoginTest, { role }: { role: "user" | "admin" }): LoginTest {
  return {
    ...connection,
    provesOwnership: connection.provesOwnership || (role === "admin" && connection.error === null),
  };
}

/**
 * Logs in with stored credentials and returns a failure as a result instead of throwing it. The stored `privateHost`
 * decides whether it may connect to SMTP_PRIVATE_NETWORKS.
 * @throws AppError RATE_LIMITED after too many failures
 */
export async function testStoredLogin(
  deps: LoginTestDeps,
  login: MailLogin,
  brandId: string | null,
): Promise<LoginTest> {
  try {
    if ("host" in login) await assertServerAllowed(deps, login, null, login.privateHost === true);
    return await logIn(deps, login, brandId);
  } catch (error) {
    if (error instanceof AppError && error.code !== "RATE_LIMITED")
      return { status: "ERROR", error: error.message, provesOwnership: false };
    throw error;
  }
}
