/** Gets the median, which is robust on a noisy machine. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Gets the value that is greater than this share of all. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

/** Formats `median (minimum–maximum)`, rounded. */
export function formatSpread(values: readonly number[], digits = 0): string {
  const show = (value: number) =>
    value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;
}

/** Prints a measured value with its target. */
export function printRow(label: string, value: string, aim = ""): void {
  console.log(`${label.padEnd(56)}${value.padStart(26)}${aim ? `   target ${aim}` : ""}`);
}

export function printHeading(text: string): void {
  console.log(`\n${text}\n${"─".repeat(text.length)}`);
}
