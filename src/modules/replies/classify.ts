import type { ChannelName } from "../../lib/channel-name.ts";
import { isAutoReply } from "./auto-reply.ts";
import { type Bounce, parseBounce } from "./bounce.ts";
import { type ConsentRequest, parseConsentRequest } from "./opt-out.ts";
import { getNewText } from "./quoted.ts";
import { scoreSentiment } from "./sentiment.ts";

/** An inbound message. Header names in lower case, none for SMS and voicemail; a voicemail's text is its transcript. */
export interface InboundMessage {
  channel: ChannelName;
  subject: string | null;
  text: string | null;
  headers: Record<string, string>;
  /** Content type of the whole mail; taken from the headers when absent. */
  contentType?: string;
}

export type Intent = "OPT_OUT" | "OPT_IN" | "HOSTILE" | "AUTO_REPLY" | "BOUNCE" | "REPLY";

interface Classification {
  /** OPT_OUT, OPT_IN, HOSTILE and REPLY come from a person and count as replies; AUTO_REPLY and BOUNCE never do. */
  intent: Intent;
  /** -1 (hostile) … 1 (friendly); null when no person wrote anything. */
  sentimentScore: number | null;
  /** The keyword or phrase that opts out; null otherwise. */
  matched: string | null;
  /** The new text, without quoted history and signature. */
  written: string;
  bounce?: Bounce;
}

/** Longer texts are truncated. */
const MAX_TEXT_CHARS = 100_000;

/**
 * Classifies an inbound message. Automatic messages come first, because an absence note that contains "unsubscribe" is no
 * opt-out; then opt-outs, of any tone; then a score below `hostileBelow` (-1…1) is hostile; the rest are replies. Never
 * throws.
 */
export function classify(inbound: InboundMessage, options: { hostileBelow: number }): Classification {
  const text = (inbound.text ?? "").slice(0, MAX_TEXT_CHARS);
  const written = getNewText(text, inbound.channel);
  const bounce = inbound.channel === "EMAIL" ? findBounce(inbound, text) : null;
  if (bounce !== null) return { intent: "BOUNCE", sentimentScore: null, matched: null, written, bounce };
  if (isAutoReply({ headers: inbound.headers, subject: inbound.subject, text: written })) {
    return { intent: "AUTO_REPLY", sentimentScore: null, matched: null, written };
  }
  const sentimentScore = written === "" ? null : scoreSentiment(written);
  const request = parseConsentRequest(written, inbound.channel) ?? parseSubject(inbound, written);
  if (request !== null) {
    return {
      intent: request.kind,
      sentimentScore,
      matched: request.kind === "OPT_OUT" ? request.matched : null,
      written,
    };
  }
  const hostile = sentimentScore !== null && sentimentScore < options.hostileBelow;
  return { intent: hostile ? "HOSTILE" : "REPLY", sentimentScore, matched: null, written };
}

function findBounce(inbound: InboundMessage, text: string): Bounce | null {
  const contentType = inbound.contentType ?? inbound.headers["content-type"] ?? "text/plain";
  const headers = inbound.subject === null ? inbound.headers : { ...inbound.headers, subject: inbound.subject };
  return parseBounce({ contentType, text, headers });
}

/**
 * Parses the opt-out in a subject: a mailto: unsubscribe link creates a mail with the subject "unsubscribe", and some people write
 * only a subject. The subject of a reply is ours and is ignored.
 */
function parseSubject(inbound: InboundMessage, written: string): ConsentRequest | null {
  const subject = inbound.subject ?? "";
  if (inbound.channel !== "EMAIL" || /^\s{0,4}(?:re|aw|fwd?|wg|tr|rv|sv|antw)\s?:/i.test(subject)) return null;
  return written === "" || /^\W{0,4}unsubscribe\W{0,4}$/i.test(subject) ? parseConsentRequest(subject, "EMAIL") : null;
}
