import type SMTPConnection from "nodemailer/lib/smtp-connection";
import { AppError } from "../../lib/errors.ts";
import type { Outcome, SmtpLogin } from "../channel.ts";
import { GoogleGrantRefusedError, GoogleTokenUnavailableError } from "./google-token.ts";
import { type Delivery, NoLoginOfferedError, SmtpTimeoutError, toSmtpError } from "./smtp-delivery.ts";
import { NoConnectionError } from "./smtp-pool.ts";
import { parseReply, parseRetryAfterMs, type SmtpReply } from "./smtp-reply.ts";

type FailedDelivery = Extract<Delivery, { accepted: false }>;

/** The outcomes of a mail that was not accepted. */
type NotAccepted = Exclude<Outcome, { kind: "accepted" }>;

/** The step of the SMTP session that failed. */
type Step = "connect" | "login" | "from" | "to" | "content";

/** Matches responses to a recipient that does not exist. "Mailbox unavailable" is the standard text of any rejection and does not count. */
const UNKNOWN_RECIPIENT =
  /\b(?:no such|unknown|invalid) (?:user|mailbox|recipient|address|account|person)|(?:user|mailbox|recipient|address|account)\b.{0,60}?\b(?:unknown|not found|(?:does not|doesn't|doesnt) exist)/i;
/** Matches responses that reject the sender: many servers do so only at RCPT. */
const SENDER_REFUSED =
  /\bsender\b.{0,40}\b(?:rejected|denied|refused|not allowed|unknown|invalid|not found|does not exist)|\bnot owned by\b|\boutbound sender\b/i;
const RELAYING_REFUSED =
  /\brelay(?:ing)?\b.{0,40}\b(?:denied|prohibited|not (?:permitted|allowed))|unable to relay|authentication.{0,20}required/i;
const MACHINE_REFUSED = /\bclient host\b|\bblocked using\b/i;
const SENDING_LIMIT =
  /\b(?:sending|daily|hourly|rate)\b.{0,20}\b(?:limit|quota|rate)|\bsubmission ?quota|\btoo many (?:messages|e-?mails|mails)\b/i;
const TOO_FAST = /\brate\b|\btoo (?:many|fast|much)\b|\bthrottl|\bslow down\b|\bquickly\b/i;
const GREYLISTED = /gr[ea]y-?list/i;

/** Maps a server's reply to the outcome for the message, its sender and its recipient. */
export function toOutcome(delivery: Delivery, login: SmtpLogin): Outcome {
  if (!delivery.accepted) return toFailureOutcome(delivery, login);
  return { kind: "accepted", providerId: parseReply(withoutSecrets(delivery.reply, login))?.text || null };
}

/**
 * Maps a failure to an outcome. A problem of the recipient ends one message; a problem of the sender must not end a campaign,
 * so it pauses the sender. Reasons never contain the password, not even when the server repeats it. `quote` formats the reply
 * to a refused connection or login.
 */
export function toFailureOutcome(
  { error, dotSent }: FailedDelivery,
  login: SmtpLogin,
  quote = formatReply,
): NotAccepted {
  const failure = toSmtpError(error);
  const step = getStep(failure);
  const reply = parseReply(withoutSecrets(failure.response ?? "", login));
  if (dotSent && !(step === "content" && reply !== null && reply.code >= 400)) {
    return {
      kind: "unknown",
      reason: `${formatServer(login)} received the whole message and did not reply whether it accepts it`,
    };
  }
  if (failure instanceof GoogleGrantRefusedError) {
    return { kind: "deferred", reason: failure.message, scope: "sender", reauth: true };
  }
  if (failure instanceof GoogleTokenUnavailableError)
    return { kind: "deferred", reason: failure.message, scope: "sender" };
  if (failure instanceof NoConnectionError) return { kind: "deferred", reason: failure.message, scope: "message" };
  // Exceeds the size that the server announced or refuses at MAIL (RFC 1870): a retry would fail as well.
  if (step === "from" && (reply === null ? failure.code === "EMESSAGE" : isTooLarge(reply))) {
    return { kind: "rejected", reason: `${formatServer(login)} accepts no messages of this size`, badAddress: false };
  }
  if (reply === null) return { kind: "deferred", reason: describeNoReply(failure, login), scope: "sender" };
  if (step === "connect" || step === "login" || step === "from") {
    return toDeferred("sender", `${formatServer(login)} ${REFUSED[step]} (${quote(reply)}). ${ADVICE[step]}`, reply);
  }
  if (reply.code < 500) return toTemporaryFailure(reply, login);
  return toPermanentFailure(step, reply, login);
}

function toTemporaryFailure(reply: SmtpReply, login: SmtpLogin): NotAccepted {
  const { code, enhanced, text } = reply;
  // Greylisting concerns this recipient, 4.2 one mailbox, 4.5.3 one list of recipients.
  const aboutRecipient = GREYLISTED.test(text) || enhanced?.startsWith("4.2.") === true || enhanced === "4.5.3";
  const aboutSender = code === 421 || enhanced?.startsWith("4.7.") === true || TOO_FAST.test(text);
  const scope = aboutSender && !aboutRecipient ? "sender" : "message";
  return toDeferred(scope, `${formatServer(login)} asks to try again later (${formatReply(reply)})`, reply);
}

function toPermanentFailure(step: "to" | "content", reply: SmtpReply, login: SmtpLogin): NotAccepted {
  const { code, enhanced, text } = reply;
  const reason = `${formatServer(login)} refused the message (${formatReply(reply)})`;
  // A bad sequence of commands is no result for the message (RFC 5321 section 4.2.2).
  if (code === 503) return toDeferred("message", reason, reply);
  if (enhanced === "5.1.7" || enhanced === "5.1.8" || SENDER_REFUSED.test(text)) {
    return toDeferred("sender", `${reason}. ${ADVICE.from}`, reply);
  }
  const badAddress = enhanced?.startsWith("5.1.") === true || (step === "to" && isUnknownRecipient(reply));
  if (badAddress) return { kind: "rejected", reason, badAddress };
  if (code === 530 || RELAYING_REFUSED.test(text)) return toDeferred("sender", `${reason}. ${ADVICE.login}`, reply);
  if (MACHINE_REFUSED.test(text)) return toDeferred("sender", `${reason}. Ask the mail provider why`, reply);
  // 5.2.2 is the limit of the recipient's full mailbox.
  if (SENDING_LIMIT.test(text) && enhanced?.startsWith("5.2.") !== true) {
    return toDeferred("sender", `${reason}. Lower this mailbox's daily limit`, reply);
  }
  return { kind: "rejected", reason, badAddress: false };
}

function isUnknownRecipient({ code, enhanced, text }: SmtpReply): boolean {
  const policy = enhanced?.startsWith("5.7.") === true;
  return (code === 550 || code === 551 || code === 553) && !policy && UNKNOWN_RECIPIENT.test(text);
}

function isTooLarge(reply: SmtpReply): boolean {
  return reply.enhanced === "5.3.4" || (reply.code === 552 && reply.enhanced === null);
}

function getStep(failure: SMTPConnection.SMTPError): Step {
  if (failure.code === "EAUTH" || failure instanceof NoLoginOfferedError) return "login";
  if (failure.command === "MAIL FROM") return "from";
  // A refused DATA command refuses the addresses given before it.
  if (failure.command === "RCPT TO" || (failure.command === "DATA" && failure.code === "EENVELOPE")) return "to";
  return failure.command === "DATA" ? "content" : "connect";
}

const REFUSED = { connect: "refused the connection", login: "refused the login", from: "refused the sender" };
const ADVICE = {
  connect: "Check host, port and security, or ask the mail provider",
  login: "Check user name and password; with two-step verification, an app password is required",
  from: "Check that this login may send as this address",
};

/** Describes a failure without a reply to quote. */
function describeNoReply(failure: SMTPConnection.SMTPError, login: SmtpLogin): string {
  if (failure instanceof AppError) return failure.message;
  const cause = failure.originalCode ?? failure.code ?? "";
  const name = formatServer(login);
  if (failure instanceof NoLoginOfferedError) return `${name} offers no login over this connection. ${ADVICE.connect}`;
  if (failure.code === "EAUTH") return `logging in to ${name} failed. ${ADVICE.login}`;
  if (failure.code === "ETLS" && failure.command === "STARTTLS") return `${name} offers no STARTTLS. ${ADVICE.connect}`;
  if (/CERT|SSL|TLS/.test(cause)) {
    return `the TLS connection to ${name} failed (${withoutSecrets(failure.message, login).slice(0, 120)}). ${ADVICE.connect}`;
  }
  if (cause === "ECONNREFUSED") return `${name} refused the connection. ${ADVICE.connect}`;
  const timedOut = failure instanceof SmtpTimeoutError || cause === "ETIMEDOUT";
  if (timedOut) return `${name} did not answer in time; nothing was sent`;
  return `${name} closed the connection; nothing was sent`;
}

function toDeferred(scope: "message" | "sender", reason: string, reply: SmtpReply): NotAccepted {
  const retryAfterMs = parseRetryAfterMs(reply.text);
  return { kind: "deferred", reason, scope, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

function formatServer(login: SmtpLogin): string {
  return `${login.host}:${login.port}`;
}

/** Formats the codes of a reply without its text, which could disclose the server's software to a user who tests a login. */
export function formatReplyCodes({ code, enhanced }: SmtpReply): string {
  return [code, enhanced].filter((part) => part !== null).join(" ");
}

function formatReply({ code, enhanced, text }: SmtpReply): string {
  return [code, enhanced, text].filter((part) => part !== null && part !== "").join(" ");
}

/** Removes the password or token, in each encoding in which it was sent (RFC 4616, XOAUTH2). */
function withoutSecrets(text: string, { username, password }: SmtpLogin): string {
  if (password === null || password === "") return text;
  const forms = [
    base64(`\0${username ?? ""}\0${password}`),
    base64(`user=${username ?? ""}\x01auth=Bearer ${password}\x01\x01`),
    base64(password),
    password,
  ];
  return forms.reduce((cleaned, secret) => cleaned.replaceAll(secret, "…"), text);
}

function base64(text: string): string {
  // Without padding, which a server may drop when it repeats the text.
  return Buffer.from(text).toString("base64").replace(/=+$/, "");
}
