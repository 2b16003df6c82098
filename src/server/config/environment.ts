/** The environment as the process was given it, with secret files already read. */
export type Environment = Record<string, string | undefined>;

/** Parses single variables. Errors are collected, so that all problems are reported at once. */
export class EnvironmentParser {
  /** One line for each bad value, beginning with the name of its variable. Never holds a secret. */
  readonly problems: string[];
  readonly #env: Environment;

  constructor(env: Environment, problems: string[]) {
    this.#env = env;
    this.problems = problems;
  }

  /** Returns the trimmed value, or null when the variable is absent or empty. */
  text(name: string): string | null {
    return this.#env[name]?.trim() || null;
  }

  number(name: string, fallback: number, low: number, high: number): number {
    const given = this.text(name);
    if (given === null) return fallback;
    const value = Number(given);
    if (Number.isFinite(value) && value >= low && value <= high) return value;
    this.problems.push(`${name}: expected a number from ${low} to ${high}, got ${JSON.stringify(given)}`);
    return fallback;
  }

  integer(name: string, fallback: number, low: number, high: number): number {
    const given = this.text(name);
    if (given === null) return fallback;
    const value = Number(given);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    this.problems.push(`${name}: expected a whole number from ${low} to ${high}, got ${JSON.stringify(given)}`);
    return fallback;
  }

  choice<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const given = this.text(name);
    if (given === null) return fallback;
    const found = choices.find((item) => item === given.toLowerCase());
    if (!found) this.problems.push(`${name}: expected one of ${choices.join(", ")}, got ${JSON.stringify(given)}`);
    return found ?? fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.choice(name, ["true", "false"], fallback ? "true" : "false") === "true";
  }

  /** Parses a URL of one of `protocols` ("https:"); returns it without trailing slashes. */
  url(name: string, protocols: readonly string[]): string | null {
    const given = this.text(name);
    if (given === null) return null;
    const parsed = URL.parse(given);
    if (parsed && protocols.includes(parsed.protocol) && parsed.hostname) return given.replace(/\/+$/, "");
    // The value may hold a password: it is not repeated.
    const starts = protocols.map((protocol) => `${protocol}//`).join(" or ");
    this.problems.push(`${name}: expected a URL that starts with ${starts}`);
    return null;
  }

  /** Parses two variables that are useful only together. */
  pair(first: string, second: string): [string, string] | null {
    const [one, other] = [this.text(first), this.text(second)];
    if (one !== null && other !== null) return [one, other];
    if (one !== null || other !== null)
      this.problems.push(`${one === null ? first : second}: expected beside ${one === null ? second : first}`);
    return null;
  }
}
