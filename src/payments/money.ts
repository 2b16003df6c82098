import { invalid } from "../fault.ts";

// ISO 4217 says into how many decimals a currency is divided: two, but for these. The tables that come with JavaScript
// follow what is common in shops instead, and differ between versions.
const NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE = "BHD IQD JOD KWD LYD OMR TND";
const FOUR = "CLF UYW";

const DECIMALS = new Map(
  [NONE, "", "", THREE, FOUR].flatMap((codes, decimals) =>
    codes
      .split(" ")
      .filter(Boolean)
      .map((code) => [code, decimals] as const),
  ),
);
const KNOWN = new Set(Intl.supportedValuesOf("currency"));

const decimalsOf = (currency: string) => DECIMALS.get(currency) ?? 2;

/** An ISO 4217 code in upper case; INVALID for what is none. */
export function readCurrency(field: string, given: string): string {
  const currency = given.trim().toUpperCase();
  if (!KNOWN.has(currency)) throw invalid(field, "expected an ISO 4217 code such as USD");
  return currency;
}

/** An amount in the currency's smallest unit; INVALID when it has more decimals than the currency. */
export function toMinor(field: string, amount: number, currency: string): number {
  const minor = Math.round(amount * 10 ** decimalsOf(currency));
  if (toMajor(minor, currency) !== amount) {
    throw invalid(field, `expected at most ${decimalsOf(currency)} decimals in ${currency}`);
  }
  return minor;
}

export function toMajor(minor: number, currency: string): number {
  return minor / 10 ** decimalsOf(currency);
}
