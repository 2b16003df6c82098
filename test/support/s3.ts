import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { S3Settings } from "../../src/files/s3.ts";
import { findProgram, freePort, listens, Throwaway } from "./throwaway.ts";

/** A server that speaks S3 and checks every signature; what it holds lies in a folder of its own. */
export interface S3Server {
  settings: S3Settings;
  /** The same for a program. */
  env: Record<string, string>;
  /** Where the file of an object lies. */
  pathOf(name: string): string;
  end(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = "images";
const KEYS = { id: "a-key-of-the-tests", secret: "a-secret-of-the-tests-that-nobody-else-knows" };

/** `go install` puts it where no PATH leads by itself. */
export function findS3(): string | null {
  const built = join(process.env.GOBIN ?? join(process.env.GOPATH ?? join(homedir(), "go"), "bin"), "versitygw");
  return findProgram("versitygw") ?? (existsSync(built) ? built : null);
}

/** A throw-away S3 server with an empty bucket. */
export async function startS3(): Promise<S3Server> {
  const program = findS3();
  if (!program) throw new Error("versitygw is not installed");
  const home = new Throwaway("s3", "pid");
  const port = freePort();
  const [data, notes] = [join(home.folder, "data"), join(home.folder, "notes")];
  mkdirSync(join(data, BUCKET), { recursive: true });
  mkdirSync(notes);
  const endpoint = `http://127.0.0.1:${port}`;
  const options = ["--access", KEYS.id, "--secret", KEYS.secret, "--port", `127.0.0.1:${port}`];
  // It writes no process id itself. Notes in a folder: not every file system has room for them beside a file.
  const run = ["sh", "-c", 'echo $$ >pid; exec "$@"', "sh", program, ...options];
  const start = () => home.start([...run, "posix", "--sidecar", notes, data], () => listens(port));
  await start();

  return {
    settings: { bucket: BUCKET, region: "us-east-1", endpoint, pathStyle: true, keys: KEYS, prefix: "" },
    env: {
      S3_BUCKET: BUCKET,
      S3_ENDPOINT: endpoint,
      S3_ACCESS_KEY_ID: KEYS.id,
      S3_SECRET_ACCESS_KEY: KEYS.secret,
    },
    pathOf: (name) => join(data, BUCKET, name),
    end: () => home.end(),
    start,
    stop: () => home.remove(),
  };
}
