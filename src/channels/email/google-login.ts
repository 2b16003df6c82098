import type { GoogleLogin, MailLogin, SmtpLogin } from "../channel.ts";
import { GOOGLE_TOKEN_URL, type GoogleTokens } from "./google-token.ts";

/** The SMTP and token servers for mailboxes at Google. Set by the operator, never by a tenant. */
export interface GmailEndpoints {
  host: string;
  port: number;
  tokenUrl: string;
}

export const DEFAULT_GMAIL_ENDPOINTS: GmailEndpoints = {
  host: "smtp.gmail.com",
  port: 465,
  tokenUrl: GOOGLE_TOKEN_URL,
};

export const isGoogleLogin = (login: MailLogin): login is GoogleLogin => "grant" in login;

/** Resolves a login to its SMTP server. For Google with a token, the password is the last token, null before the first. */
export function resolveServer(login: MailLogin, at: GmailEndpoints, tokens: GoogleTokens): SmtpLogin {
  if (!isGoogleLogin(login)) return login;
  const { grant, mailbox } = login;
  const password = grant.type === "SMTP" ? grant.password : tokens.getCachedToken(login);
  return { host: at.host, port: at.port, security: "TLS", username: mailbox, password };
}
