import { getCountries, getCountryCallingCode } from "libphonenumber-js/min";

/** Country calling codes (ITU-T E.164). None is a prefix of another. */
const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((country) => getCountryCallingCode(country)));

/** Gets the calling code of an E.164 number; its first digit when the code is unknown. */
export function callingCodeOf(phone: string): string {
  for (const length of [1, 2, 3]) {
    const code = phone.slice(1, 1 + length);
    if (CALLING_CODES.has(code)) return code;
  }
  return phone.slice(1, 2);
}
