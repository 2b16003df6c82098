import { type Rendered, renderInSlices, renderTemplate, type Variables } from "./template.ts";

/** The characters of 3GPP TS 23.038: the default alphabet of section 6.2.1 and the extension table of section 6.2.1.1. */
const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\f^{}\\[~\]|€]*$/;
/** The extension table: an escape and a second septet. */
const EXTENDED = /[\f^{}\\[~\]|€]/g;
const ESCAPE = "\x1b";

/** Units in a message of one segment, and in each of several, which give 6 bytes to their header (3GPP TS 23.040 section 9.2.3.24.1). */
const ROOM = { "GSM-7": { one: 160, each: 153 }, "UCS-2": { one: 70, each: 67 } } as const;

/** `units`: septets in GSM-7, 16-bit code units in UCS-2, headers not counted. */
export interface SmsSize {
  segments: number;
  encoding: keyof typeof ROOM;
  units: number;
}

/**
 * Renders a step to what a phone shows or a voicemail says.
 * @throws Fault INVALID as `renderTemplate` does
 */
export function renderText(step: { body: string }, variables: Variables): Rendered {
  const { text, missing } = renderTemplate(step.body, variables);
  return { text: text.trim(), missing };
}

/** The same, awaiting `pause` before each slice of its work. */
export async function renderTextInSlices(
  step: { body: string },
  variables: Variables,
  pause: () => Promise<void>,
): Promise<Rendered> {
  const { text, missing } = await renderInSlices(step.body, variables, "text", pause);
  return { text: text.trim(), missing };
}

/** How many segments a text takes, and so what it costs: one character outside GSM-7 makes all of it UCS-2. An empty text takes none. */
export function smsSegments(text: string): SmsSize {
  const { parts, encoding, units } = smsParts(text);
  return { segments: parts.length, encoding, units };
}

/** The text cut into its segments, never within a character: neither an escape pair nor a surrogate pair is split. */
export function smsParts(text: string): { parts: string[]; encoding: SmsSize["encoding"]; units: number } {
  const encoding = GSM.test(text) ? "GSM-7" : "UCS-2";
  const units = encoding === "GSM-7" ? text.replace(EXTENDED, `${ESCAPE}$&`) : text;
  const { one, each } = ROOM[encoding];
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
