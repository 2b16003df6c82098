import { invalid } from "../../lib/errors.ts";

// Currencies whose number of decimals in ISO 4217 is not two. The tables of JavaScript follow retail use instead, and differ
// between versions.
const ZERO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND";
const FOUR_DECIMALS = "CLF UYW";

const DECIMALS = new Map(
  [ZERO_DECIMALS, "", "", THREE_DECIMALS, FOUR_DECIMALS].flatMap((codes, decimals) =>
    codes
      .split(" ")
      .filter(Boolean)
      .map((code) => [code, decimals] as const),
  ),
);
const CURRENCIES = new Set(Intl.supportedValuesOf("currency"));

const countDecimals = (currency: string) => DECIMALS.get(currency) ?? 2;

/** Parses an ISO 4217 code and returns it in upper case. @throws INVALID for an unknown code */
export function parseCurrency(field: string, given: string): string {
  const currency = given.trim().toUpperCase();
  if (!CURRENCIES.has(currency)) throw invalid(field, "expected an ISO 4217 code such as USD");
  return currency;
}

/** Converts an amount to the currency's smallest unit. @throws INVALID when it has more decimals than the currency */
export function toMinorUnits(field: string, amount: number, currency: string): number {
  const minor = Math.round(amount * 10 ** countDecimals(currency));
  if (toMajorUnits(minor, currency) !== amount) {
    throw invalid(field, `expected at most ${countDecimals(currency)} decimals in ${currency}`);
  }
  return minor;
}

export function toMajorUnits(minor: number, currency: string): number {
  return minor / 10 ** countDecimals(currency);
}
