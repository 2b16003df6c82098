import type { ChannelName } from "../channel-name.ts";
import { DAYS, type OpenHours, type SendWindow } from "./windows.ts";

const ANY_TIME: readonly OpenHours[] = [];
const DAYTIME_WINDOWS: readonly SendWindow[] = [{ days: [...DAYS], from: "08:00", to: "21:00" }];

/**
 * Gets the hours in which a contact may be reached: text messages and voicemails only from 08:00 to 21:00 local time on any day
 * (TCPA, 47 CFR 64.1200(c)(1)); e-mail at any time. When the contact may be in several zones, it must be daytime in all. For
 * states with shorter hours (Florida, Oklahoma, Washington: 20:00), use narrower send windows.
 *
 * Combine with the campaign's send windows:
 * `findCommonOpening([...getContactHours(channel, getRecipientZones(contact)), { windows, zone }], now)`.
 */
export function getContactHours(channel: ChannelName, zones: readonly string[]): readonly OpenHours[] {
  if (channel === "EMAIL") return ANY_TIME;
  return zones.map((zone) => ({ windows: DAYTIME_WINDOWS, zone }));
}
