import { Elysia } from "elysia";
import { type TenantScope, tenantScope } from "../db/tenant-scope.ts";
import type { Instant } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import type { BodyAdmission } from "./middleware/body-budget.ts";

/** The user behind a request, as the database has it now. */
export interface Principal {
  userId: string;
  email: string;
  name: string;
  image: string | null;
  emailVerified: boolean;
  role: "admin" | "user";
  /** The brand this user owns, if any. */
  brandId: string | null;
  credential: "session" | "api-key";
  /** Time when the password of this session was given last; null for an API key. */
  signedInAt: Instant | null;
  /** Null for an API key. */
  sessionId: string | null;
  /** Time when the session or key ends; null for a key that does not. */
  expiresAt: Instant | null;
}

/** A request under an Idempotency-Key; its stored response is found by these. */
export interface IdempotentRequest {
  userId: string;
  key: string;
  /** Distinguishes two requests under one key. */
  fingerprint: string;
}

/** Returns the client's `x-request-id` when it is short and harmless, else a new id. */
function getRequestId(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given && /^[\w.-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}

/** Holds the state of one request. The first hook creates it; every other hook and the handler receive it. */
export class RequestContext {
  readonly request: Request;
  /** Stands in the answer, in errors and in the log. */
  readonly requestId: string;
  /** Time of the start, by `performance.now()`. */
  readonly startedAt = performance.now();
  /** Set by `guard`; null at public routes. */
  knownPrincipal: Principal | null = null;
  /** True after `guard` has accepted the request. */
  isAuthorised = false;
  /** Set by `idempotency` where the request has a key and its route honours it. */
  idempotent: IdempotentRequest | null = null;
  /** Set where the request has a body: its size limit and its deadline. */
  body: BodyAdmission | null = null;
  /** True when reading the body began and did not finish. */
  isBodyHalfRead = false;
  /** Called once the request has its answer. */
  onEnd: (() => void) | null = null;

  constructor(request: Request) {
    this.request = request;
    this.requestId = getRequestId(request);
  }

  /** The user behind the request. @throws AppError UNAUTHENTICATED at public routes */
  get principal(): Principal {
    if (this.knownPrincipal === null) throw new AppError("UNAUTHENTICATED", "Sign in first");
    return this.knownPrincipal;
  }

  /** The tenants whose rows the request may use. @throws AppError FORBIDDEN for a user without a brand */
  get scope(): TenantScope {
    return tenantScope(this.principal);
  }

  /** Returns the scope narrowed to a brand that the request names. @throws AppError FORBIDDEN for a brand that is not the user's */
  scopeOf(brandId: string | undefined): TenantScope {
    return tenantScope(this.principal, brandId);
  }

  get idempotencyKey(): string | null {
    return this.idempotent?.key ?? null;
  }
}

/** Gives the decorator its type; the hook below replaces the value in each request. */
const PLACEHOLDER_CONTEXT = new RequestContext(new Request("http://localhost/"));

/**
 * Adds a typed `context` to hooks and handlers. Every plugin that reads it starts with `.use(requestContext)`; Elysia
 * recognises the plugin by its name and runs its hook once.
 */
export const requestContext = new Elysia({ name: "request context" })
  .decorate("context", PLACEHOLDER_CONTEXT)
  .onRequest((elysia) => {
    elysia.context = new RequestContext(elysia.request);
  });
