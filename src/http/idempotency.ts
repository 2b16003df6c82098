import { Elysia } from "elysia";
import { DAY } from "../clock.ts";
import { deleteResponsesBefore, findResponseRow, hasResponse, storeResponse, takeKey } from "../db/idempotency-keys.ts";
import type { Reader, Store, Tx } from "../db/store.ts";
import { Fault, invalid } from "../fault.ts";
import type { Vault } from "../secrets.ts";
import { type IdempotentRequest, type RequestContext, requestContext } from "./request-context.ts";
import { type RouteEntry, routePlans } from "./routePlans.ts";

// A caller who did not hear our answer asks again under the same Idempotency-Key, and hears it, while nothing is done
// twice (draft-ietf-httpapi-idempotency-key-header). A request that was refused has changed nothing: its key stays free.

/** How long an answer is kept. A retry that comes later is a new request. */
const KEPT = 7 * DAY;
/** What is told of an answer that was given before. */
export const REPLAYED = "idempotent-replayed";

export interface IdempotencyTools {
  store: Store;
  vault: Vault;
}

/** A text that is the same for the same request, however its fields are ordered. */
function canonical(value: unknown): unknown {
  // One that nobody asked for: routes that read a file give it a fingerprint themselves.
  if (value instanceof Blob) return ["file", value.size, value.type];
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, inner]) => [name, canonical(inner)]);
}

function fingerprintOf(request: Request, content: string | Uint8Array): string {
  const { pathname, search } = new URL(request.url);
  return new Bun.CryptoHasher("sha256")
    .update(`${request.method} ${pathname}${search}\n`)
    .update(content)
    .digest("hex");
}

/** Says what a request under a key is, where its body is a file: a hash of the file, or the file itself. */
export function fingerprintedBy({ request, idempotent }: RequestContext, content: string | Uint8Array): void {
  if (idempotent) idempotent.fingerprint = fingerprintOf(request, content);
}

async function find(read: Reader, vault: Vault, ask: IdempotentRequest): Promise<object | null> {
  const row = await findResponseRow(read, ask);
  if (!row) return null;
  if (row.fingerprint !== ask.fingerprint) {
    throw new Fault(
      "CONFLICT",
      "This Idempotency-Key came with another request before: use a new key for a new request",
    );
  }
  const answer: object = JSON.parse(vault.open(row.answer, contextOf(ask)));
  if (SECRET_WITHHELD in answer) throw new Fault("CONFLICT", String(answer[SECRET_WITHHELD]));
  return answer;
}

/** Stands in place of an answer that held a secret, with what whoever asks again is told. No answer has such a field. */
const SECRET_WITHHELD = "secretWithheld";

const contextOf = ({ userId, key }: IdempotentRequest) => `idempotency_keys|${userId} ${key}|answer`;

/** A header of one to 255 visible characters, as the draft's examples and other services have it. */
function readKey(request: Request): string {
  const key = request.headers.get("idempotency-key") ?? "";
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters");
  return key;
}

/**
 * Answers a POST again that was answered under its key before; its route does not even see it. Mount it after the guard.
 * Routes that do not say `idempotent` have no use for a key. `routes` is asked at the first request with one, when all modules
 * are mounted. Routes whose handler reads the body (`parse: leftToRoute`) call `fingerprintedBy` and then
 * `answeredBefore` themselves.
 */
export function idempotency({ store, vault }: IdempotencyTools, routes: () => readonly RouteEntry[]) {
  const findPlan = routePlans(routes);
  return new Elysia({ name: "idempotency" })
    .use(requestContext)
    .onBeforeHandle({ as: "global" }, async ({ context, body, route, set }) => {
      const { request, knownPrincipal } = context;
      if (request.method !== "POST") return;
      if (!request.headers.has("idempotency-key")) return;
      const { idempotent, reader } = findPlan("POST", route);
      if (!idempotent) return;
      const key = readKey(request);
      // Without a principal there is nobody under whom an answer could be stored.
      if (knownPrincipal === null) return;
      const ask = { userId: knownPrincipal.userId, key, fingerprint: "" };
      context.idempotent = ask;
      if (reader === "handler") return;
      ask.fingerprint = fingerprintOf(request, JSON.stringify(canonical(body ?? null)));
      const given = await find(store.read, vault, ask);
      if (given === null) return;
      set.headers[REPLAYED] = "true";
      return given;
    });
}

/** What was answered under this request's key before, for routes that learn late what the request is; null if nothing was. */
export async function answeredBefore<Answer extends object>(
  { store, vault }: IdempotencyTools,
  { idempotent: ask }: RequestContext,
): Promise<Answer | null> {
  return ask ? ((await find(store.read, vault, ask)) as Answer | null) : null;
}

/** True when something was answered under this request's key, for routes that must know it before they read a file. */
export async function isKnownKey(read: Reader, { idempotent: ask }: RequestContext): Promise<boolean> {
  return ask !== null && hasResponse(read, ask);
}

/** Thrown to leave the transaction of whoever came second. */
class Raced extends Error {}

/**
 * Does the work of a POST in one transaction, and notes its answer there under the request's Idempotency-Key, if it has one.
 * Of two requests under one key that come at the same moment one works, and the other answers the same. An answer that holds
 * a secret names `shownOnce`: it is not kept, and whoever asks again gets CONFLICT with that text.
 */
export async function writeOnce<Answer extends object>(
  { store, vault }: IdempotencyTools,
  { idempotent: ask }: RequestContext,
  work: (tx: Tx) => Promise<Answer>,
  options: { shownOnce?: string } = {},
): Promise<Answer> {
  if (!ask) return store.write(work);
  try {
    return await store.write(async (tx) => {
      if (!(await takeKey(tx, ask, ask.fingerprint))) throw new Raced();
      const answer = await work(tx);
      const kept = options.shownOnce === undefined ? answer : { [SECRET_WITHHELD]: options.shownOnce };
      await storeResponse(tx, ask, vault.seal(JSON.stringify(kept), contextOf(ask)));
      return answer;
    });
  } catch (error) {
    if (!(error instanceof Raced)) throw error;
    const given = await find(store.read, vault, ask);
    if (given) return given as Answer;
    throw new Fault("CONFLICT", "The same request is being worked on: try again", { retryAfterSeconds: 1 });
  }
}

/** Forgets answers whose time is over, for a daily job; returns how many there were. */
export async function forgetAnswers(tx: Tx): Promise<number> {
  return deleteResponsesBefore(tx, tx.now - KEPT);
}
