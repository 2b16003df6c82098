import { readFileSync } from "node:fs";
import type { Environment } from "./environment.ts";

/** Variables with secret content. Each may be given as a file instead, by its name and `_FILE`, as Docker secrets are. */
export const SECRET_VARIABLES: readonly string[] = [
  "REPRISE_SECRET",
  "DATABASE_URL",
  "REDIS_URL",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "SYSTEM_SMTP_URL",
  "CHARGEBEE_WEBHOOK_USER",
  "CHARGEBEE_WEBHOOK_PASSWORD",
  "CHARGEBEE_API_KEY",
];

/** Maximum bytes of a secret's file; no secret is longer. */
const MAX_SECRET_FILE_BYTES = 64 * 1024;

/**
 * Returns the environment with the content of the files that `*_FILE` name, without white space around it, so that secrets
 * need not stand where `docker inspect` and child processes see them. Adds files that cannot be read to `problems`.
 */
export function withSecretFiles(env: Environment, problems: string[]): Environment {
  const complete = { ...env };
  for (const name of SECRET_VARIABLES) {
    const variable = `${name}_FILE`;
    const path = env[variable]?.trim();
    if (!path) continue;
    if (env[name]?.trim()) problems.push(`${variable}: expected without ${name}; set one of them`);
    else complete[name] = loadSecret(variable, path, problems);
  }
  return complete;
}

function loadSecret(variable: string, path: string, problems: string[]): string | undefined {
  try {
    const content = readFileSync(path);
    if (content.length > MAX_SECRET_FILE_BYTES)
      problems.push(`${variable}: expected a file of at most ${MAX_SECRET_FILE_BYTES} bytes at ${path}`);
    else if (content.toString().trim() === "")
      problems.push(`${variable}: expected a file that is not empty at ${path}`);
    else return content.toString().trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "unreadable";
    problems.push(`${variable}: expected a file that can be read at ${path} (${code})`);
  }
  return undefined;
}
