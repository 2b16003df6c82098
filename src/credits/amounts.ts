import { invalid } from "../fault.ts";

/** Credits as integer thousandths; INVALID when they have more than three decimals. */
export function toThousandths(field: string, credits: number): number {
  const thousandths = Math.round(credits * 1000);
  // Division by 1000 gives back the very number that was written, or it had more decimals than we keep.
  if (thousandths / 1000 !== credits) throw invalid(field, "expected at most 3 decimals");
  return thousandths;
}

export function toCredits(thousandths: number): number {
  return thousandths / 1000;
}
