import { measureSms } from "../../lib/templates/sms.ts";

/** Counts the units that a step is expected to cost. The length of the template is used until the message is rendered. */
export function countUnits(step: { channel: "EMAIL" | "SMS" | "VOICEMAIL"; body: string }): number {
  return step.channel === "SMS" ? measureSms(step.body).segments : 1;
}
