import { Elysia } from "elysia";
import {
  deleteResponsesBefore,
  findResponseRow,
  hasResponse,
  storeResponse,
  takeKey,
} from "../../db/idempotency-keys.ts";
import type { Reader, Store, Tx } from "../../db/store.ts";
import { DAY } from "../../lib/clock.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import { type IdempotentRequest, type RequestContext, requestContext } from "../request-context.ts";
import { createPolicyFinder, type RouteEntry } from "../route-policies.ts";

// A client that got no response repeats the request under the same Idempotency-Key and gets the stored one, while nothing is
// done twice (draft-ietf-httpapi-idempotency-key-header). A request that failed changed nothing: its key stays free.

/** Time a response is stored. A retry that comes later is a new request. */
const IDEMPOTENCY_TTL_MS = 7 * DAY;
/** Header of a response that was stored before. */
export const REPLAYED_HEADER = "idempotent-replayed";

export interface IdempotencyDeps {
  store: Store;
  vault: Vault;
}

/** Returns a value that is equal for equal bodies, independent of the order of their fields. */
function toCanonical(value: unknown): unknown {
  // A file where none is expected: handlers that read a file set the fingerprint themselves.
  if (value instanceof Blob) return ["file", value.size, value.type];
  if (Array.isArray(value)) return value.map(toCanonical);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, inner]) => [name, toCanonical(inner)]);
}

function computeFingerprint(request: Request, content: string | Uint8Array): string {
  const { pathname, search } = new URL(request.url);
  return new Bun.CryptoHasher("sha256")
    .update(`${request.method} ${pathname}${search}\n`)
    .update(content)
    .digest("hex");
}

/** Sets the fingerprint of a request whose handler reads the body, from a hash of its file or the file itself. */
export function setFingerprint({ request, idempotent }: RequestContext, content: string | Uint8Array): void {
  if (idempotent) idempotent.fingerprint = computeFingerprint(request, content);
}

async function findResponse(read: Reader, vault: Vault, keyed: IdempotentRequest): Promise<object | null> {
  const row = await findResponseRow(read, keyed);
  if (!row) return null;
  if (row.fingerprint !== keyed.fingerprint) {
    throw new AppError("CONFLICT", "This Idempotency-Key was used for another request: use a new key");
  }
  const answer: object = JSON.parse(vault.decrypt(row.answer, getSecretContext(keyed)));
  if (SECRET_WITHHELD in answer) throw new AppError("CONFLICT", String(answer[SECRET_WITHHELD]));
  return answer;
}

/** Marks a response that held a secret and was not stored; its value is the message for a retry. No response has such a field. */
const SECRET_WITHHELD = "secretWithheld";

const getSecretContext = ({ userId, key }: IdempotentRequest) => `idempotency_keys|${userId} ${key}|answer`;

/** Parses the header: 1 to 255 visible ASCII characters, as in the draft's examples. @throws AppError INVALID */
function parseKey(request: Request): string {
  const key = request.headers.get("idempotency-key") ?? "";
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters");
  return key;
}

/**
 * Replays the stored response of a POST under the same key, before its handler runs. Mount it after the guard. Routes that are
 * not `idempotent` ignore the key. Handlers that read the body themselves (`parse: handlerReadsBody`) call `setFingerprint` and
 * then `findStoredResponse`.
 */
export function idempotency({ store, vault }: IdempotencyDeps, routes: () => readonly RouteEntry[]) {
  const findPolicy = createPolicyFinder(routes);
  return new Elysia({ name: "idempotency" })
    .use(requestContext)
    .onBeforeHandle({ as: "global" }, async ({ context, body, route, set }) => {
      const { request, knownPrincipal } = context;
      if (request.method !== "POST") return;
      if (!request.headers.has("idempotency-key")) return;
      const { idempotent, bodyReader } = findPolicy("POST", route);
      if (!idempotent) return;
      const key = parseKey(request);
      // Responses are stored by user.
      if (knownPrincipal === null) return;
      const keyed = { userId: knownPrincipal.userId, key, fingerprint: "" };
      context.idempotent = keyed;
      if (bodyReader === "handler") return;
      keyed.fingerprint = computeFingerprint(request, JSON.stringify(toCanonical(body ?? null)));
      const given = await findResponse(store.read, vault, keyed);
      if (given === null) return;
      set.headers[REPLAYED_HEADER] = "true";
      return given;
    });
}

/** Returns the response stored under the request's key, for handlers that set the fingerprint; null where there is none. */
export async function findStoredResponse<Answer extends object>(
  { store, vault }: IdempotencyDeps,
  { idempotent: keyed }: RequestContext,
): Promise<Answer | null> {
  return keyed ? ((await findResponse(store.read, vault, keyed)) as Answer | null) : null;
}

/** Returns whether a response is stored under the request's key, before its file is read. */
export async function hasStoredResponse(read: Reader, { idempotent: keyed }: RequestContext): Promise<boolean> {
  return keyed !== null && hasResponse(read, keyed);
}

/** Leaves the transaction of the second request under a key. */
class KeyTakenError extends Error {}

/**
 * Does the work of a POST in one transaction and stores its response there under the request's Idempotency-Key, if it has one.
 * Of two concurrent requests under one key one works, and the other returns the same response. For a response with a secret
 * pass `shownOnce`: it is not stored, and a retry gets CONFLICT with that text.
 * @throws AppError CONFLICT while the other request is not finished
 */
export async function runIdempotent<Answer extends object>(
  { store, vault }: IdempotencyDeps,
  { idempotent: keyed }: RequestContext,
  work: (tx: Tx) => Promise<Answer>,
  options: { shownOnce?: string } = {},
): Promise<Answer> {
  if (!keyed) return store.write(work);
  try {
    return await store.write(async (tx) => {
      if (!(await takeKey(tx, keyed, keyed.fingerprint))) throw new KeyTakenError();
      const answer = await work(tx);
      const kept = options.shownOnce === undefined ? answer : { [SECRET_WITHHELD]: options.shownOnce };
      await storeResponse(tx, keyed, vault.encrypt(JSON.stringify(kept), getSecretContext(keyed)));
      return answer;
    });
  } catch (error) {
    if (!(error instanceof KeyTakenError)) throw error;
    const given = await findResponse(store.read, vault, keyed);
    if (given) return given as Answer;
    throw new AppError("CONFLICT", "The same request is being processed: try again", { retryAfterSeconds: 1 });
  }
}

/** Deletes responses that are older than the TTL, for a daily job; returns how many there were. */
export async function purgeIdempotencyKeys(tx: Tx): Promise<number> {
  return deleteResponsesBefore(tx, tx.now - IDEMPOTENCY_TTL_MS);
}
