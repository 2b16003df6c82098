import type { GoogleLogin, MailLogin, SmtpLogin } from "./channel.ts";
import { GOOGLE_TOKEN_URL, type GoogleTokens } from "./googleToken.ts";

/** The SMTP and token servers for mailboxes at Google. Set by the operator, never by a tenant. */
export interface GmailEndpoints {
  host: string;
  port: number;
  tokenUrl: string;
}

export const GMAIL: GmailEndpoints = { host: "smtp.gmail.com", port: 465, tokenUrl: GOOGLE_TOKEN_URL };

export const isGoogle = (login: MailLogin): login is GoogleLogin => "grant" in login;

/** Resolves a login to its SMTP server. For Google with a token, the password is the last token, null before the first. */
export function serverOf(login: MailLogin, at: GmailEndpoints, tokens: GoogleTokens): SmtpLogin {
  if (!isGoogle(login)) return login;
  const { grant, mailbox } = login;
  const password = grant.type === "SMTP" ? grant.password : tokens.known(login);
  return { host: at.host, port: at.port, security: "TLS", username: mailbox, password };
}
