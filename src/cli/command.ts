import { type ParseArgsConfig, parseArgs } from "node:util";

/** Help line of the option that all commands with a result share. */
export const JSON_HELP = "--json               print the result as JSON, for machines";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Reports a wrong call to the person who typed it. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Describes one command of the program. `run` resolves to the exit code. */
export interface Command {
  /** The words to type, e.g. `admin create`. */
  name: string;
  summary: string;
  /** The options in words, a line each. */
  help: string[];
  run(args: string[]): Promise<number>;
}

/** Parses options strictly. @throws UsageError for an unknown option, a missing value or an unexpected argument */
export function parseOptions<const O extends Options>(args: string[], options: O) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "the options cannot be read");
  }
}

/** Parses a whole number within bounds. @throws UsageError that names the option */
export function parseInteger(
  name: string,
  text: string | undefined,
  fallback: number,
  low: number,
  high: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high)
    throw new UsageError(`--${name}: expected a whole number from ${low} to ${high}, got ${JSON.stringify(text)}`);
  return value;
}
