import type { ChannelName } from "../channels/channel.ts";
import { isAutoReply } from "./autoReply.ts";
import { type Bounce, readBounce } from "./bounce.ts";
import { type OptOutWish, readOptOut } from "./optOut.ts";
import { writtenPart } from "./quoted.ts";
import { scoreSentiment } from "./sentiment.ts";

/** What came in. Header names in lower case, none for SMS and voicemail; a voicemail's text is its transcript. */
export interface Inbound {
  channel: ChannelName;
  subject: string | null;
  text: string | null;
  headers: Record<string, string>;
  /** Of the whole mail; taken from the headers when absent. */
  contentType?: string;
}

export type Intent = "OPT_OUT" | "OPT_IN" | "HOSTILE" | "AUTO_REPLY" | "BOUNCE" | "REPLY";

export interface Understanding {
  /** OPT_OUT, OPT_IN, HOSTILE and REPLY come from a person and so are answers; AUTO_REPLY and BOUNCE never are. */
  intent: Intent;
  /** -1 (hostile) … 1 (friendly); null where no person wrote anything. */
  sentimentScore: number | null;
  /** The keyword or phrase that opts out; null otherwise. */
  matched: string | null;
  /** What was written just now: the text without quoted history and signature. */
  written: string;
  bounce?: Bounce;
}

/** Longer texts are read this far. Characters. */
const READ = 100_000;

/**
 * What an inbound message means. Machines are told apart first, since an absence note that says "unsubscribe" opts nobody out; then a
 * wish to be left alone comes before the tone in which it is put; then a score under `hostileBelow` (-1…1) is hostile; the rest are replies.
 * Never throws, whatever the text.
 */
export function classify(inbound: Inbound, options: { hostileBelow: number }): Understanding {
  const text = (inbound.text ?? "").slice(0, READ);
  const written = writtenPart(text, inbound.channel);
  const bounce = inbound.channel === "EMAIL" ? bounceOf(inbound, text) : null;
  if (bounce !== null) return { intent: "BOUNCE", sentimentScore: null, matched: null, written, bounce };
  if (isAutoReply({ headers: inbound.headers, subject: inbound.subject, text: written })) {
    return { intent: "AUTO_REPLY", sentimentScore: null, matched: null, written };
  }
  const sentimentScore = written === "" ? null : scoreSentiment(written);
  const wish = readOptOut(written, inbound.channel) ?? wishInSubject(inbound, written);
  if (wish !== null) {
    return { intent: wish.kind, sentimentScore, matched: wish.kind === "OPT_OUT" ? wish.matched : null, written };
  }
  const hostile = sentimentScore !== null && sentimentScore < options.hostileBelow;
  return { intent: hostile ? "HOSTILE" : "REPLY", sentimentScore, matched: null, written };
}

function bounceOf(inbound: Inbound, text: string): Bounce | null {
  const contentType = inbound.contentType ?? inbound.headers["content-type"] ?? "text/plain";
  const headers = inbound.subject === null ? inbound.headers : { ...inbound.headers, subject: inbound.subject };
  return readBounce({ contentType, text, headers });
}

/**
 * A mailto: unsubscribe link makes a mail with the subject "unsubscribe", and some people write all they have to say up there.
 * The subject of an answer is ours, so it says nothing.
 */
function wishInSubject(inbound: Inbound, written: string): OptOutWish | null {
  const subject = inbound.subject ?? "";
  if (inbound.channel !== "EMAIL" || /^\s{0,4}(?:re|aw|fwd?|wg|tr|rv|sv|antw)\s?:/i.test(subject)) return null;
  return written === "" || /^\W{0,4}unsubscribe\W{0,4}$/i.test(subject) ? readOptOut(subject, "EMAIL") : null;
}
