import type { MailLogin } from "../channels/channel.ts";
import { resolveHost, SMTP_PORTS } from "../channels/host.ts";
import type { Deps } from "../deps.ts";
import { Fault, invalid } from "../fault.ts";
import { fieldOf } from "./gmail.ts";
import { tryCounted } from "./loginTries.ts";

/** What a try at a mailbox's login showed. */
export interface Connection {
  status: "CONNECTED" | "ERROR" | "REAUTH_REQUIRED";
  error: string | null;
}

type Tools = Pick<Deps, "config" | "store" | "verifyMailbox">;

/**
 * Logs in at a mailbox's server, for real; with simulated channels nothing is asked, as nothing would be sent there either.
 * Network I/O: never call it inside a transaction. Counts against the limits of the brand until it has succeeded.
 * @throws Fault INVALID for a server that may not be connected to, RATE_LIMITED after too many failures
 */
async function tryLogin(
  { config, store, verifyMailbox }: Tools,
  login: MailLogin,
  brandId: string | null,
): Promise<Connection> {
  const open = "host" in login ? login : null;
  if (open?.security === "NONE" && !config.allowPrivateSmtp) throw invalid("security", "must be TLS or STARTTLS");
  if (config.channels === "simulator") return { status: "CONNECTED", error: null };
  return tryCounted<Connection>(store, brandId, login, async () => {
    if (open) await resolveHost(open.host, open.port, { allowPrivate: config.allowPrivateSmtp, ports: SMTP_PORTS });
    const answer = await verifyMailbox(login);
    if (answer.ok) return { succeeded: true, result: { status: "CONNECTED", error: null } };
    const status = answer.reauth ? "REAUTH_REQUIRED" : "ERROR";
    return { succeeded: false, result: { status, error: answer.reason.slice(0, 500) } };
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

/** Tries a login that is stored already: whatever is wrong with it is a finding, not a failure. */
export async function testLogin(tools: Tools, login: MailLogin, brandId: string | null): Promise<Connection> {
  try {
    return await tryLogin(tools, login, brandId);
  } catch (error) {
    if (error instanceof Fault && error.code !== "RATE_LIMITED") return { status: "ERROR", error: error.message };
    throw error;
  }
}
