import { Elysia } from "elysia";
import { AppError, invalid } from "../../lib/errors.ts";
import { getClientAddress, type Server } from "../client-address.ts";
import { requestContext } from "../request-context.ts";
import { createPolicyFinder, type RouteEntry, type RoutePolicy } from "../route-policies.ts";
import { type BodySettings, type BodyWaits, createBodyBudget } from "./body-budget.ts";
import type { RouteCheck } from "./guard.ts";
import { bodyTooLarge, endBodyWaits, getDeclaredLength, hasBody, parseJsonBody } from "./request-body.ts";

/** Bytes of a streamed file in memory at the same time: Bun stops reading from a client once it is this far ahead. */
const STREAM_WINDOW_BYTES = 2_000_000;

export interface BodyAdmissionOptions {
  settings: BodySettings;
  /** The header in which a trusted proxy names the client's address. */
  clientAddressHeader: string | null;
  routes: () => readonly RouteEntry[];
  server: () => Server | null;
  /** Aborted when the process stops. */
  stopping?: AbortSignal | undefined;
}

/**
 * Returns how many bytes the body may take in memory. A handler that reads its body itself rejects one that is too large
 * with its own message.
 * @throws AppError TOO_LARGE when the declared length is above the limit of the route, or none is declared
 */
function bytesToReserve(request: Request, policy: RoutePolicy): number {
  const told = getDeclaredLength(request);
  if (policy.bodyLimit === "stream") return Math.min(told ?? STREAM_WINDOW_BYTES, STREAM_WINDOW_BYTES);
  if (policy.bodyReader === "handler") return Math.min(told ?? policy.bodyLimit, policy.bodyLimit);
  if (told === null) throw new AppError("TOO_LARGE", "The body has no declared length: send a Content-Length");
  if (told > policy.bodyLimit) throw bodyTooLarge(policy.bodyLimit);
  return told;
}

/** Returns whether a content type is JSON: `application/json`, `application/vnd.api+json`. */
function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.-]{1,64}\+)?json$/i.test(contentType);
}

/**
 * Bounds request bodies by the route that was matched. Mount `settle` before the error handler. Mount `before` before the
 * guard: it checks length and budget without a database query, and so bounds the memory of requests that wait for one. Mount
 * `after` behind the guard: it reads the body of an authorised request.
 */
export function bodyAdmission(options: BodyAdmissionOptions) {
  const { settings, routes, server, clientAddressHeader, stopping } = options;
  const findPolicy = createPolicyFinder(routes);
  const budget = createBodyBudget(settings);
  const waits: BodyWaits = { stopped: false, ends: new Set() };
  stopping?.addEventListener("abort", () => endBodyWaits(waits));

  // Elysia prepares the parts of the context that a hook names: one that passed on all of it would parse cookies everywhere.
  const settle = new Elysia({ name: "body release" })
    .use(requestContext)
    .onError({ as: "global" }, ({ context }) => {
      context.body?.reservation?.release();
    })
    .onAfterResponse({ as: "global" }, ({ context }) => {
      context.body?.reservation?.release();
    });

  const before = new Elysia({ name: "body admission" })
    .use(requestContext)
    .onParse({ as: "global" }, ({ context, route }) => {
      const { request } = context;
      if (!hasBody(request)) return;
      const policy = findPolicy(request.method, route);
      // Slow bodies at public routes must not use up the budget of signed-in users at the same address.
      const kind = policy.access === "public" ? "public" : "unidentified";
      const client = `${kind} ${getClientAddress(request, server(), clientAddressHeader)}`;
      context.body = {
        limit: policy.bodyLimit === "stream" ? Number.POSITIVE_INFINITY : policy.bodyLimit,
        settings,
        reservation: budget.reserve(client, bytesToReserve(request, policy)),
        waits,
      };
    });

  const after = new Elysia({ name: "body reading" })
    .use(requestContext)
    .onParse({ as: "global" }, async ({ context, route, contentType }) => {
      const { request } = context;
      if (!hasBody(request)) return;
      const policy = findPolicy(request.method, route);
      if (policy.bodyReader !== "json") return;
      if (isJson(contentType)) {
        const body = await parseJsonBody(context);
        if (body === undefined) throw new AppError("MALFORMED", "The body could not be read: expected valid JSON");
        return body;
      }
      if (policy.takesBody) throw invalid("body", "expected JSON: send Content-Type: application/json");
      return {};
    });

  /** Counts the body against its sender, before the request waits for anything. @throws AppError RATE_LIMITED */
  const moveToUser: RouteCheck = ({ userId }, { context }) => {
    context.body?.reservation?.moveTo(`user ${userId}`);
  };

  return { settle, before, identified: moveToUser, after, inUse: budget.inUse };
}
