import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SECOND } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { FileStorage } from "./storage.ts";

/** A bucket at Amazon or a compatible service. */
export interface S3Settings {
  bucket: string;
  region: string;
  /** Null for Amazon. */
  endpoint: string | null;
  /** Uses `endpoint/bucket/name`, as most servers other than Amazon's require, instead of `bucket.endpoint/name`. */
  pathStyle: boolean;
  /** Null for the credentials of the machine, such as an instance role. */
  keys: { id: string; secret: string } | null;
  /** Prefix of all object names; empty, or ends with a slash. */
  prefix: string;
}

const MAX_ATTEMPTS = 2;
const CONNECT_TIMEOUT_MS = 2 * SECOND;
/** Time without data from the server. */
const IDLE_TIMEOUT_MS = 4 * SECOND;
/** Total time of an operation: finding credentials, all attempts, and the content. */
const OPERATION_TIMEOUT_MS = 9 * SECOND;

/** Stores files in a bucket. */
export function createS3Storage({ bucket, region, endpoint, pathStyle, keys, prefix }: S3Settings): FileStorage {
  const client = new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint }),
    ...(keys === null ? {} : { credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret } }),
    forcePathStyle: pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: IDLE_TIMEOUT_MS,
      // Without it the client only logs a warning and keeps waiting.
      throwOnRequestTimeout: true,
      socketTimeout: IDLE_TIMEOUT_MS,
    },
    // By default newer clients send checksums in chunked trailers, which many servers refuse.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const toObject = (name: string) => ({ Bucket: bucket, Key: `${prefix}${name}` });

  return {
    put: (name, content, type) =>
      withTimeout(async (abortSignal) => {
        const object = { ...toObject(name), Body: content, ContentType: type, ContentLength: content.length };
        await client.send(new PutObjectCommand(object), { abortSignal });
      }),
    get: (name) =>
      withTimeout(async (abortSignal) => {
        try {
          const { Body } = await client.send(new GetObjectCommand(toObject(name)), { abortSignal });
          return Body ? new Blob([new Uint8Array(await Body.transformToByteArray())]) : null;
        } catch (error) {
          if (isAbsent(error)) return null;
          throw error;
        }
      }),
    delete: (name) =>
      withTimeout(async (abortSignal) => {
        await client.send(new DeleteObjectCommand(toObject(name)), { abortSignal });
      }),
  };
}

/** Includes AccessDenied: Amazon returns it for a missing object when the credentials may not list the bucket. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && ["NoSuchKey", "NotFound", "AccessDenied"].includes(error.name);
}

/** Aborts an operation after a timeout: the client's own limits cover neither finding credentials nor the content. */
async function withTimeout<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no response within ${OPERATION_TIMEOUT_MS / SECOND} seconds`)),
      OPERATION_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([work(stop.signal), timeout]);
  } catch (error) {
    // Only its name and message: the error contains the request, whose headers are secret.
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new AppError("UNAVAILABLE", "The file storage is unavailable: try again later", {
      cause: new Error(`S3: ${name}: ${message}`),
      retryAfterSeconds: 5,
    });
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
