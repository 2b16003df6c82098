import { smsSegments } from "../templates/sms.ts";

/** Counts the units that a step is expected to cost. The length of the template is used until the message is rendered. */
export function unitsOf(step: { channel: "EMAIL" | "SMS" | "VOICEMAIL"; body: string }): number {
  return step.channel === "SMS" ? smsSegments(step.body).segments : 1;
}
