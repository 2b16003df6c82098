import type { ChannelName } from "../channels/channel.ts";
import { DAYS, type OpenHours, type SendWindow } from "./windows.ts";

const NO_HOURS: readonly OpenHours[] = [];
const DAYTIME: readonly SendWindow[] = [{ days: [...DAYS], from: "08:00", to: "21:00" }];

/**
 * When a person may be reached: text messages and voicemail drops only from 08:00 to 21:00 on their own clocks, any day
 * (TCPA, 47 CFR 64.1200(c)(1)); e-mail at any hour. With several zones, because nobody knows in which of them the person
 * is, it must be daytime in all. States with shorter hours (Florida, Oklahoma, Washington: 20:00) are served by narrower send windows.
 *
 * For `nextCommonOpening`, together with the campaign's own windows:
 * `nextCommonOpening([...contactHours(channel, zonesOf(contact)), { windows, zone }], now)`.
 */
export function contactHours(channel: ChannelName, zones: readonly string[]): readonly OpenHours[] {
  if (channel === "EMAIL") return NO_HOURS;
  return zones.map((zone) => ({ windows: DAYTIME, zone }));
}
