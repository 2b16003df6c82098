import type { GoogleLogin, MailLogin, SmtpLogin } from "./channel.ts";
import { GOOGLE_TOKEN_URL, type GoogleTokens } from "./googleToken.ts";

/** Where Google's mailboxes are reached. The operator's to set, never a tenant's. */
export interface GmailEndpoints {
  host: string;
  port: number;
  tokenUrl: string;
}

export const GMAIL: GmailEndpoints = { host: "smtp.gmail.com", port: 465, tokenUrl: GOOGLE_TOKEN_URL };

export const isGoogle = (login: MailLogin): login is GoogleLogin => "grant" in login;

/** The server that a login leads to. Instead of a password it may have a token, which is `known` so far. */
export function serverOf(login: MailLogin, at: GmailEndpoints, tokens: GoogleTokens): SmtpLogin {
  if (!isGoogle(login)) return login;
  const { grant, mailbox } = login;
  const password = grant.type === "SMTP" ? grant.password : tokens.known(login);
  return { host: at.host, port: at.port, security: "TLS", username: mailbox, password };
}
