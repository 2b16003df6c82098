import { diskFiles } from "./disk.ts";
import type { S3Settings } from "./s3.ts";

/**
 * Where files lie. Names are ours: lower-case words, a folder apart, never a caller's. Whatever keeps the store from
 * working is a Fault UNAVAILABLE within seconds.
 */
export interface Files {
  /** Durable when it resolves; replaces what had this name. */
  put(name: string, content: Uint8Array<ArrayBuffer>, type: string): Promise<void>;
  /** Null when there is no such file. */
  get(name: string): Promise<Blob | null>;
  /** Also succeeds when there is no such file. */
  remove(name: string): Promise<void>;
}

/** The bucket where one is configured, else a folder. The S3 client is loaded when it is first used: it is large. */
export function openFiles(s3: S3Settings | null, folder: string): Files {
  if (s3 === null) return diskFiles(folder);
  let opened: Promise<Files> | null = null;
  const open = () => {
    opened ??= import("./s3.ts").then(({ s3Files }) => s3Files(s3));
    return opened;
  };
  return {
    put: async (name, content, type) => (await open()).put(name, content, type),
    get: async (name) => (await open()).get(name),
    remove: async (name) => (await open()).remove(name),
  };
}
