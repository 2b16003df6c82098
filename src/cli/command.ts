import { type ParseArgsConfig, parseArgs } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** A wrong call. The message is for the person who typed it; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** One thing the program can do. `run` resolves to the exit code. */
export interface Command {
  /** What one types, e.g. `admin create`. */
  name: string;
  summary: string;
  /** The options in words, a line each. */
  help: string[];
  run(args: string[]): Promise<number>;
}

/** Reads options strictly: an unknown one, a missing value or an argument nobody asked for is a `UsageError`. */
export function readOptions<const O extends Options>(args: string[], options: O) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "the options cannot be read");
  }
}

/** A whole number within bounds; a `UsageError` that names the option otherwise. */
export function readWhole(name: string, text: string | undefined, fallback: number, low: number, high: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high)
    throw new UsageError(`--${name}: expected a whole number from ${low} to ${high}, got ${JSON.stringify(text)}`);
  return value;
}
