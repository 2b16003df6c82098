import { resolveHost, SMTP_PORTS } from "../../lib/network/host.ts";
import { assertTls, type PrivateNetwork } from "../../lib/network/private-networks.ts";
import type { GoogleLogin, MailLogin, SmtpLogin } from "../channel.ts";
import { type GmailEndpoints, isGoogleLogin, resolveServer } from "./google-login.ts";
import { createGoogleTokens } from "./google-token.ts";
import { SmtpSession, type SmtpTimeouts, type TokenSource } from "./smtp-session.ts";

interface ConnectorOptions {
  allowPrivateHosts: boolean;
  privateNetworks: readonly PrivateNetwork[];
  timeouts: SmtpTimeouts;
  authorities: readonly string[];
  gmail: GmailEndpoints;
}

interface SmtpConnector {
  /**
   * Connects to the server of a login and logs in.
   * @throws AppError INVALID for a host that is not allowed, and errors of the connection
   */
  open(login: MailLogin): Promise<SmtpSession>;
  /** Resolves a login to its server, with the last token as password for a login by token. */
  toServer(login: MailLogin): SmtpLogin;
}

/** Connects to the servers of brands and of Google, within the networks that the operator allows. */
export function createSmtpConnector(options: ConnectorOptions): SmtpConnector {
  const { allowPrivateHosts, privateNetworks, timeouts, authorities, gmail } = options;
  const tokens = createGoogleTokens(gmail.tokenUrl);
  const toServer = (login: MailLogin) => resolveServer(login, gmail, tokens);

  async function openSmtp(login: SmtpLogin): Promise<SmtpSession> {
    const networks = login.privateHost ? privateNetworks : [];
    const policy = { allowPrivate: allowPrivateHosts, networks, ports: SMTP_PORTS };
    assertTls(login.security, allowPrivateHosts || networks.length > 0);
    const { address, isPrivate } = await resolveHost(login.host, login.port, policy);
    assertTls(login.security, allowPrivateHosts || isPrivate);
    return SmtpSession.open(login, address, timeouts, authorities, null);
  }

  /** Connects to the configured Google server, which may be a proxy on a private address. */
  async function openGoogle(login: GoogleLogin): Promise<SmtpSession> {
    const byPassword = login.grant.type === "SMTP";
    // Gets the token first: without one the connection would be useless.
    if (!byPassword) await tokens.getToken(login);
    const { address } = await resolveHost(gmail.host, gmail.port, { allowPrivate: true, ports: [] });
    const source: TokenSource = (refused) => tokens.getToken(login, refused);
    return SmtpSession.open(toServer(login), address, timeouts, authorities, byPassword ? null : source);
  }

  return { open: (login) => (isGoogleLogin(login) ? openGoogle(login) : openSmtp(login)), toServer };
}
