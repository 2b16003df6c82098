import { smsSegments } from "../templates/sms.ts";

/** Units a step is expected to cost. The template's own length stands for the rendered one until the message is claimed. */
export function unitsOf(step: { channel: "EMAIL" | "SMS" | "VOICEMAIL"; body: string }): number {
  return step.channel === "SMS" ? smsSegments(step.body).segments : 1;
}
