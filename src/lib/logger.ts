import { type Clock, iso } from "./clock.ts";

export type Level = "debug" | "info" | "warn" | "error" | "silent";
const ORDER: Record<Level, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 99 };

/** Names whose values never reach a log, wherever they stand in an event. */
const SECRET = /pass|secret|token|authorization|cookie|api[-_]?key|credential|dsn|database_?url|redis_?url/i;

export interface Log {
  debug(event: string, facts?: Record<string, unknown>): void;
  info(event: string, facts?: Record<string, unknown>): void;
  warn(event: string, facts?: Record<string, unknown>): void;
  error(event: string, facts?: Record<string, unknown>): void;
}

function withoutSecrets(value: unknown, depth = 0): unknown {
  // An error of a driver may quote SQL and its parameters: the name, the code and the place are enough to find it.
  // Drizzle adds the statement and its parameters to the driver's message.
  if (value instanceof Error && "query" in value && value.cause instanceof Error) return withoutSecrets(value.cause);
  if (value instanceof Error)
    return {
      name: value.name,
      ...("code" in value ? { code: value.code } : {}),
      message: withoutLogins(value.message.split("\n")[0] ?? ""),
    };
  if (typeof value === "string") return withoutLogins(value);
  if (typeof value !== "object" || value === null || depth > 4) return value;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET.test(name) ? "[redacted]" : withoutSecrets(item, depth + 1),
    ]),
  );
}

/**
 * Lowers warnings and errors to debug where `isReported` is true for their error: the begin and the end of an outage have
 * lines of their own.
 */
export function withoutOutageNoise(log: Log, isReported: (error: unknown) => boolean): Log {
  const lowered =
    (name: "warn" | "error") =>
    (event: string, facts: Record<string, unknown> = {}) =>
      log[isReported(facts.error) || isReported(facts.cause) ? "debug" : name](event, facts);
  return { ...log, warn: lowered("warn"), error: lowered("error") };
}

/** Redacts passwords in URLs: `postgres://user:password@host` → `postgres://[redacted]@host`. */
export function withoutLogins(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, "$1[redacted]@");
}

let isStderrGuarded = false;

/**
 * Writes a line to standard error. A line that cannot be written (a full disk, a closed pipe) is lost and nothing else
 * happens: unhandled, the error would be logged, which fails, which would be logged, without end.
 */
function writeToStderr(line: string): void {
  if (!isStderrGuarded) process.stderr.on("error", () => {});
  isStderrGuarded = true;
  process.stderr.write(line);
}

/**
 * Creates a log of JSON lines on standard error, so that standard output has only the output of a command. Logging never
 * throws, because it is part of error handling.
 */
export function createLog(level: Level, clock: Clock, write: (line: string) => void = writeToStderr): Log {
  const at =
    (name: Exclude<Level, "silent">) =>
    (event: string, facts: Record<string, unknown> = {}) => {
      if (ORDER[name] < ORDER[level]) return;
      const head = { time: iso(clock.now()), level: name, event };
      try {
        write(`${JSON.stringify({ ...head, ...(withoutSecrets(facts) as object) })}\n`);
      } catch {
        writeQuietly(write, `${JSON.stringify({ ...head, lost: "its fields could not be written" })}\n`);
      }
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function writeQuietly(write: (line: string) => void, line: string): void {
  try {
    write(line);
  } catch {
    // There is nowhere left to say it.
  }
}
