import { zonesOfAreaCode } from "./areaZones.ts";
import { zonesOfCountry } from "./countryZones.ts";

/**
 * Where a person's clocks are: in the contact's own zone, else by the area of their phone number (E.164, `+12025550143`), else in the
 * brand's zone. Several zones when the area spans several, or is anywhere in the United States: all of them count (`contactHours`).
 * People move and keep their numbers, so the contact's own zone is worth asking for.
 */
export function zonesOf(person: {
  contactZone: string | null;
  phone: string | null;
  brandZone: string;
}): readonly string[] {
  if (person.contactZone !== null) return [person.contactZone];
  return (person.phone === null ? null : zonesOfPhone(person.phone)) ?? [person.brandZone];
}

function zonesOfPhone(phone: string): readonly string[] | null {
  return phone.startsWith("+1") ? zonesOfAreaCode(phone.slice(2, 5)) : zonesOfCountry(phone.slice(1));
}
