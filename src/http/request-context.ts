import { Elysia } from "elysia";
import type { Instant } from "../clock.ts";
import { type TenantScope, tenantScope } from "../db/tenant-scope.ts";
import { Fault } from "../fault.ts";
import type { BodyAdmission } from "./bodyBudget.ts";

/** Who makes the request, as the database has it now. */
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
  /** When the password of this session was given last; null for an API key. */
  signedInAt: Instant | null;
  /** Null for an API key. */
  sessionId: string | null;
  /** When the session or key ends; null for a key that does not. */
  expiresAt: Instant | null;
}

/** A request under an Idempotency-Key, as its stored response is looked up. */
export interface IdempotentRequest {
  userId: string;
  key: string;
  /** Tells two requests under one key apart. */
  fingerprint: string;
}

/** Takes a caller's `x-request-id` when it is harmless, else makes one. */
function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given && /^[\w.-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}

/** What is known of one request. Made by the first hook and passed to every other hook and to the handler. */
export class RequestContext {
  readonly request: Request;
  /** Stands in the answer, in errors and in the log. */
  readonly requestId: string;
  /** By `performance.now()`. */
  readonly startedAt = performance.now();
  /** Set by `guard`; null for a request without a credential at a public route. */
  knownPrincipal: Principal | null = null;
  /** Whether `guard` has let the request pass. */
  isAuthorised = false;
  /** Set where the request comes under an Idempotency-Key and its route honours it. */
  idempotent: IdempotentRequest | null = null;
  /** Set where the request has a body: how large it may be and how long it may take. */
  body: BodyAdmission | null = null;
  /** Whether reading the body began and was given up. */
  isBodyHalfRead = false;
  /** Called once the request has its answer. */
  onEnd: (() => void) | null = null;

  constructor(request: Request) {
    this.request = request;
    this.requestId = requestIdOf(request);
  }

  /** Who makes the request, at routes that are not public. @throws Fault UNAUTHENTICATED at a public one */
  get principal(): Principal {
    if (this.knownPrincipal === null) throw new Fault("UNAUTHENTICATED", "Sign in first");
    return this.knownPrincipal;
  }

  /** The tenants whose rows the request may use. @throws Fault FORBIDDEN for a user without a brand */
  get scope(): TenantScope {
    return tenantScope(this.principal);
  }

  /** The same, narrowed to a brand that the request names. @throws Fault FORBIDDEN for a brand that is not the user's */
  scopeOf(brandId: string | undefined): TenantScope {
    return tenantScope(this.principal, brandId);
  }

  get idempotencyKey(): string | null {
    return this.idempotent?.key ?? null;
  }
}

/** Stands in for the type only: the hook below replaces it before anything reads it. */
const BEFORE_ANY_REQUEST = new RequestContext(new Request("http://localhost/"));

/**
 * Gives hooks and handlers their `context`. Every plugin that reads it starts with `.use(requestContext)`; Elysia knows the
 * plugin by its name and runs its hook once.
 */
export const requestContext = new Elysia({ name: "request context" })
  .decorate("context", BEFORE_ANY_REQUEST)
  .onRequest((elysia) => {
    elysia.context = new RequestContext(elysia.request);
  });
