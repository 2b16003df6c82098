import { type RenderedTemplate, renderInSlices, renderTemplate, type Variables } from "./template.ts";

/** The characters of 3GPP TS 23.038: the default alphabet of section 6.2.1 and the extension table of section 6.2.1.1. */
const GSM_7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\f^{}\\[~\]|€]*$/;
/** The extension table: each character takes an escape and a second septet. */
const EXTENDED_CHARACTERS = /[\f^{}\\[~\]|€]/g;
const ESCAPE = "\x1b";

/** Units in a single segment, and in each of several, whose header takes 6 bytes (3GPP TS 23.040 section 9.2.3.24.1). */
const SEGMENT_UNITS = { "GSM-7": { one: 160, each: 153 }, "UCS-2": { one: 70, each: 67 } } as const;

/** `units`: septets in GSM-7, 16-bit code units in UCS-2, without headers. */
interface SmsSize {
  segments: number;
  encoding: keyof typeof SEGMENT_UNITS;
  units: number;
}

/**
 * Renders a step to the text of an SMS or a voicemail.
 * @throws AppError INVALID as `renderTemplate`
 */
export function renderText(step: { body: string }, variables: Variables): RenderedTemplate {
  const { text, missing } = renderTemplate(step.body, variables);
  return { text: text.trim(), missing };
}

/** Does the same as `renderText`, awaiting `pause` before each slice of its work. */
export async function renderTextInSlices(
  step: { body: string },
  variables: Variables,
  pause: () => Promise<void>,
): Promise<RenderedTemplate> {
  const { text, missing } = await renderInSlices(step.body, variables, "text", pause);
  return { text: text.trim(), missing };
}

/** Counts the segments of a text, which determine its cost. One character outside GSM-7 makes all of it UCS-2; an empty text has none. */
export function measureSms(text: string): SmsSize {
  const { parts, encoding, units } = splitSms(text);
  return { segments: parts.length, encoding, units };
}

/** Splits a text into its segments, never inside an escape pair or a surrogate pair. */
export function splitSms(text: string): { parts: string[]; encoding: SmsSize["encoding"]; units: number } {
  const encoding = GSM_7.test(text) ? "GSM-7" : "UCS-2";
  const units = encoding === "GSM-7" ? text.replace(EXTENDED_CHARACTERS, `${ESCAPE}$&`) : text;
  const { one, each } = SEGMENT_UNITS[encoding];
  const parts: string[] = [];
  for (let start = 0, end = 0; start < units.length; start = end) {
    end = units.length <= one ? units.length : Math.min(start + each, units.length);
    if (end < units.length && isFirstHalf(units.charAt(end - 1))) end--;
    const part = units.slice(start, end);
    parts.push(encoding === "GSM-7" ? part.replaceAll(ESCAPE, "") : part);
  }
  return { parts, encoding, units: units.length };
}

function isFirstHalf(unit: string): boolean {
  return unit === ESCAPE || (unit >= "\ud800" && unit <= "\udbff");
}
