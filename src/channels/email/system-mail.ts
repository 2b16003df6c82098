import { SECOND } from "../../lib/clock.ts";

/** The mailbox from which the service sends verification links and invitations, never campaigns. */
export interface SystemMailbox {
  /** The SMTP server: `smtps://user:password@host:465` or `smtp://…`. */
  url: string;
  /** The sender, `Reprise <no-reply@example.com>` or the address alone. */
  from: string;
}

export interface SystemMail {
  to: string;
  subject: string;
  text: string;
}

/** Sends one mail. Network I/O: never call it inside a transaction. Rejects with the server's reply. */
export type SendSystemMail = (mail: SystemMail) => Promise<void>;

const CONNECT_TIMEOUT_MS = 10 * SECOND;
const SOCKET_TIMEOUT_MS = 20 * SECOND;
/** The longest subject that needs no folding (RFC 5322, section 2.1.1). */
const MAX_SUBJECT_CHARS = 200;

/** Parses the two settings. Returns the mailbox, or an error message that contains no password. */
export function parseSystemMailbox(url: string, from: string): SystemMailbox | string {
  if (!/^([^<>\p{Cc}]*<)?[^\s@<>]+@[^\s@<>]+>?$/u.test(from))
    return "SYSTEM_MAIL_FROM: expected an address, such as Reprise <no-reply@example.com>";
  const parsed = URL.parse(url);
  if (!parsed || !["smtps:", "smtp:"].includes(parsed.protocol) || !parsed.hostname)
    return "SYSTEM_SMTP_URL: expected a URL that starts with smtps:// or smtp://";
  try {
    if ((decodeURIComponent(parsed.username) === "") === (decodeURIComponent(parsed.password) === ""))
      return { url, from };
    return "SYSTEM_SMTP_URL: expected a user name and a password, or neither";
  } catch {
    return "SYSTEM_SMTP_URL: expected the user name and the password percent-encoded";
  }
}

/**
 * Opens the system mailbox; null when none is configured. With a password, TLS is required; a relay without one may be used
 * without TLS, as the operator configures it.
 */
export function openSystemMail(mailbox: SystemMailbox | null): SendSystemMail | null {
  if (mailbox === null) return null;
  const { protocol, hostname, port, username, password } = new URL(mailbox.url);
  const secure = protocol === "smtps:";
  const user = decodeURIComponent(username);
  return async ({ to, subject, text }) => {
    // Loaded on first use: it takes longer to load than the service to start.
    const { createTransport } = await import("nodemailer");
    const transport = createTransport({
      // Without the brackets of an IPv6 address.
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || (secure ? 465 : 587),
      secure,
      requireTLS: user !== "" && !secure,
      ...(user === "" ? {} : { auth: { user, pass: decodeURIComponent(password) } }),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      await transport.sendMail({
        from: mailbox.from,
        // As an object, so that the text is not parsed as a list of addresses.
        to: { name: "", address: to },
        subject: subject.replace(/[\p{Cc}]+/gu, " ").slice(0, MAX_SUBJECT_CHARS),
        text,
        // Prevents automatic replies (RFC 3834).
        headers: { "auto-submitted": "auto-generated" },
      });
    } finally {
      transport.close();
    }
  };
}
