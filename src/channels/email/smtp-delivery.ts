import type SMTPConnection from "nodemailer/lib/smtp-connection";

/** The result of handing a mail to a server. */
export type Delivery =
  | { accepted: true; reply: string }
  /** `contentStarted`: the server asked for the content. `dotSent`: the end of the content may have reached it. */
  | { accepted: false; error: unknown; contentStarted: boolean; dotSent: boolean };

/** The server did not reply in time. */
export class SmtpTimeoutError extends Error {}

/** The server offers no authentication for the given credentials. */
export class NoLoginOfferedError extends Error {}

/** Returns whether the connection had ended before the server asked for the mail's content. */
export function hadConnectionEnded(delivery: Delivery): boolean {
  if (delivery.accepted || delivery.contentStarted || delivery.error instanceof SmtpTimeoutError) return false;
  const { code, responseCode } = toSmtpError(delivery.error);
  // An end without a reply, or with 421 (RFC 5321 section 3.8), comes from the server.
  return responseCode === 421 || (responseCode === undefined && code !== "EMESSAGE" && code !== "EENVELOPE");
}

/** Returns whether the connection can send another mail: the last one was accepted or refused in an orderly way. */
export function canReuseConnection(delivery: Delivery): boolean {
  if (delivery.accepted) return true;
  const { code, responseCode } = toSmtpError(delivery.error);
  const refused = responseCode !== undefined && responseCode !== 421 && (code === "EENVELOPE" || code === "EMESSAGE");
  // After a rejection in the middle of the content, the server would parse the rest of it as commands.
  return refused && (delivery.dotSent || !delivery.contentStarted);
}

/** Narrows an error to the client's type, which has the server's reply and the command. */
export function toSmtpError(error: unknown): SMTPConnection.SMTPError {
  return error instanceof Error ? error : new Error("unknown failure");
}
