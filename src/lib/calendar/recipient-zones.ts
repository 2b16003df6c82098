import { getAreaCodeZones } from "./area-zones.ts";
import { getCountryZones } from "./country-zones.ts";

/**
 * Gets the possible time zones of a contact: its own zone, else those of its phone number's area (E.164, `+12025550143`), else the
 * brand's zone. Several when the area spans several zones or is anywhere in the United States: all of them apply
 * (`getContactHours`). People keep their numbers when they move, so the contact's own zone is more reliable.
 */
export function getRecipientZones(person: {
  contactZone: string | null;
  phone: string | null;
  brandZone: string;
}): readonly string[] {
  if (person.contactZone !== null) return [person.contactZone];
  return (person.phone === null ? null : getPhoneZones(person.phone)) ?? [person.brandZone];
}

function getPhoneZones(phone: string): readonly string[] | null {
  return phone.startsWith("+1") ? getAreaCodeZones(phone.slice(2, 5)) : getCountryZones(phone.slice(1));
}
