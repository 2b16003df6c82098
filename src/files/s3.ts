import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SECOND } from "../clock.ts";
import { Fault } from "../fault.ts";
import type { Files } from "./files.ts";

/** A bucket, at Amazon or anything that speaks its protocol. */
export interface S3Settings {
  bucket: string;
  region: string;
  /** Null: Amazon's own. */
  endpoint: string | null;
  /** `endpoint/bucket/name`, as most servers other than Amazon's want it, in place of `bucket.endpoint/name`. */
  pathStyle: boolean;
  /** Null: what the machine offers, such as an instance role. */
  keys: { id: string; secret: string } | null;
  /** Stands before the name of every object; empty or with a slash at its end. */
  prefix: string;
}

const ATTEMPTS = 2;
const CONNECTION_TIMEOUT = 2 * SECOND;
/** Without a word from the server. */
const REQUEST_TIMEOUT = 4 * SECOND;
/** For everything together: finding keys, all attempts, and the content. */
const DEADLINE = 9 * SECOND;

/** Files in a bucket. */
export function s3Files({ bucket, region, endpoint, pathStyle, keys, prefix }: S3Settings): Files {
  const client = new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint }),
    ...(keys === null ? {} : { credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret } }),
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      // Else the client only logs a warning, and waits on.
      throwOnRequestTimeout: true,
      socketTimeout: REQUEST_TIMEOUT,
    },
    // Newer clients send checksums in chunked trailers unless told otherwise, and many servers refuse those.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const place = (name: string) => ({ Bucket: bucket, Key: `${prefix}${name}` });

  return {
    put: (name, content, type) =>
      bounded(async (abortSignal) => {
        const object = { ...place(name), Body: content, ContentType: type, ContentLength: content.length };
        await client.send(new PutObjectCommand(object), { abortSignal });
      }),
    get: (name) =>
      bounded(async (abortSignal) => {
        try {
          const { Body } = await client.send(new GetObjectCommand(place(name)), { abortSignal });
          return Body ? new Blob([new Uint8Array(await Body.transformToByteArray())]) : null;
        } catch (error) {
          if (isAbsent(error)) return null;
          throw error;
        }
      }),
    remove: (name) =>
      bounded(async (abortSignal) => {
        await client.send(new DeleteObjectCommand(place(name)), { abortSignal });
      }),
  };
}

/** Amazon says AccessDenied of what is not there to whoever may not list the bucket. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && ["NoSuchKey", "NotFound", "AccessDenied"].includes(error.name);
}

/** Ends what takes too long, whatever it waits for: the client's own limits cover neither finding keys nor the content. */
async function bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE / SECOND} seconds`)), DEADLINE);
  });
  try {
    return await Promise.race([work(stop.signal), late]);
  } catch (error) {
    // Only its name and message: the error itself carries the request, whose headers are nobody's business.
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new Fault("UNAVAILABLE", "The file store cannot be reached: try again later", {
      cause: new Error(`S3: ${name}: ${message}`),
      retryAfterSeconds: 5,
    });
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
