import { readFileSync } from "node:fs";
import { parseDatabaseUrl } from "../db/database-url.ts";
import { UsageError } from "./command.ts";

/** The options of `migrate` that name the target. */
export interface TargetOptions {
  /** A URL without a password. */
  to?: string | undefined;
  /** The name of a variable, the path of a file, and standard input, that hold a URL. */
  "to-env"?: string | undefined;
  "to-file"?: string | undefined;
  "to-stdin"?: boolean | undefined;
}

const EXPECTED = "expected a URL that starts with postgres:// and names one host";

/**
 * Returns the URL of the database to move to: from the one option that is given, else DATABASE_URL or DATABASE_URL_FILE.
 * A password in an argument is refused: every user of the machine sees arguments in the process list.
 * @throws UsageError without repeating the URL
 */
export async function parseTransferTarget(options: TargetOptions, env: NodeJS.ProcessEnv): Promise<string> {
  const { to } = options;
  if (to !== undefined && hasPassword(to))
    throw new UsageError(
      "--to: expected a URL without a password, which the process list would show; give the whole URL by DATABASE_URL, --to-env, --to-file or --to-stdin, or the password by PGPASSWORD",
    );
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  if (given.length > 1)
    throw new UsageError(`--${given[1]?.[0]}: expected without --${given[0]?.[0]}: give one target`);
  const [name, url] = await getTargetUrl(options, env);
  if (parseDatabaseUrl(url)?.hosts.length !== 1) throw new UsageError(`${name}: ${EXPECTED}`);
  return url;
}

/** Returns the URL and the name of its option or variable. */
async function getTargetUrl(options: TargetOptions, env: NodeJS.ProcessEnv): Promise<[name: string, url: string]> {
  const { to, "to-env": variable, "to-file": file, "to-stdin": stdin } = options;
  if (to !== undefined) return ["--to", to];
  if (variable !== undefined) {
    const url = env[variable]?.trim();
    if (!url)
      throw new UsageError(`--to-env: expected the name of a variable that is set, got ${JSON.stringify(variable)}`);
    return [`--to-env ${variable}`, url];
  }
  if (file !== undefined) return ["--to-file", loadUrlFile("--to-file", file)];
  if (stdin) return ["--to-stdin", (await Bun.stdin.text()).trim()];
  if (env.DATABASE_URL?.trim()) return ["DATABASE_URL", env.DATABASE_URL.trim()];
  const path = env.DATABASE_URL_FILE?.trim();
  if (path) return ["DATABASE_URL_FILE", loadUrlFile("DATABASE_URL_FILE", path)];
  throw new UsageError("--to: expected a target, by --to, --to-env, --to-file, --to-stdin or DATABASE_URL");
}

function loadUrlFile(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    throw new UsageError(`${name}: expected a file that can be read, got ${JSON.stringify(path)}`);
  }
}

/** Returns whether a URL has a password, also when the URL is invalid. */
function hasPassword(url: string): boolean {
  const login = url.slice(0, Math.max(0, url.lastIndexOf("@"))).replace(/^[^:/]*:\/\//, "");
  return login.includes(":") || /[?&](?:password|pass|pwd|sslpassword|sslkey)=/i.test(url);
}
