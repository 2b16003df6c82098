import { invalid } from "../../lib/errors.ts";

/** Converts credits to integer thousandths. @throws INVALID for more than three decimals */
export function toThousandths(field: string, credits: number): number {
  const thousandths = Math.round(credits * 1000);
  // Division by 1000 returns the same number, unless it had more decimals than are stored.
  if (thousandths / 1000 !== credits) throw invalid(field, "expected at most 3 decimals");
  return thousandths;
}

export function toCredits(thousandths: number): number {
  return thousandths / 1000;
}
