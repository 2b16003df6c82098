import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { S3Settings } from "../../../src/lib/storage/s3.ts";
import { findFreePort, findProgram, isListening, TempServer } from "./temp-server.ts";

/** S3 server that checks every signature and stores objects in a folder. */
export interface S3Server {
  settings: S3Settings;
  /** Variables that configure a program for it. */
  env: Record<string, string>;
  /** Returns the path of an object's file. */
  pathOf(name: string): string;
  end(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = "images";
const KEYS = { id: "a-key-of-the-tests", secret: "a-secret-of-the-tests-for-the-bucket-of-the-tests" };

/** Finds versitygw on the PATH or where `go install` puts it. */
export function findS3(): string | null {
  const built = join(process.env.GOBIN ?? join(process.env.GOPATH ?? join(homedir(), "go"), "bin"), "versitygw");
  return findProgram("versitygw") ?? (existsSync(built) ? built : null);
}

/** Starts a temporary S3 server with an empty bucket. */
export async function startS3(): Promise<S3Server> {
  const program = findS3();
  if (!program) throw new Error("versitygw is not installed");
  const home = new TempServer("s3", "pid");
  const port = findFreePort();
  const [data, notes] = [join(home.folder, "data"), join(home.folder, "notes")];
  mkdirSync(join(data, BUCKET), { recursive: true });
  mkdirSync(notes);
  const endpoint = `http://127.0.0.1:${port}`;
  const options = ["--access", KEYS.id, "--secret", KEYS.secret, "--port", `127.0.0.1:${port}`];
  // It writes no process id itself. Metadata goes to a folder: not every file system has extended attributes.
  const run = ["sh", "-c", 'echo $$ >pid; exec "$@"', "sh", program, ...options];
  const start = () => home.start([...run, "posix", "--sidecar", notes, data], () => isListening(port));
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
