import { getCountries, getCountryCallingCode } from "libphonenumber-js/min";

/** Country calling codes (ITU-T E.164). None is the beginning of another. */
const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((country) => getCountryCallingCode(country)));

/** The calling code of a number in E.164; of one that has none we know, its first digit. */
export function callingCodeOf(phone: string): string {
  for (const length of [1, 2, 3]) {
    const code = phone.slice(1, 1 + length);
    if (CALLING_CODES.has(code)) return code;
  }
  return phone.slice(1, 2);
}
