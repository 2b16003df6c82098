import { createDiskStorage } from "./disk.ts";
import type { S3Settings } from "./s3.ts";
import type { FileStorage } from "./storage.ts";

/** Opens the configured bucket, else a folder. The S3 client is large and loaded on first use. */
export function openStorage(s3: S3Settings | null, folder: string): FileStorage {
  if (s3 === null) return createDiskStorage(folder);
  let opened: Promise<FileStorage> | null = null;
  const open = () => {
    opened ??= import("./s3.ts").then(({ createS3Storage: s3Files }) => s3Files(s3));
    return opened;
  };
  return {
    put: async (name, content, type) => (await open()).put(name, content, type),
    get: async (name) => (await open()).get(name),
    delete: async (name) => (await open()).delete(name),
  };
}
