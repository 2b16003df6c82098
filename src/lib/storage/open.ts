import { diskFiles } from "./disk.ts";
import type { Files } from "./files.ts";
import type { S3Settings } from "./s3.ts";

/** Opens the configured bucket, else a folder. The S3 client is large and loaded on first use. */
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
