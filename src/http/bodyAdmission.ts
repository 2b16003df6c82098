import { Elysia } from "elysia";
import { Fault, invalid } from "../fault.ts";
import type { RouteCheck } from "./access.ts";
import { type BodySettings, type BodyWaits, createBodyBudget } from "./bodyBudget.ts";
import { clientAddress, type Server } from "./clientAddress.ts";
import { requestContext } from "./request-context.ts";
import { declaredLength, hasBody, readJson, stopWaits, tooLarge } from "./requestBody.ts";
import { type RouteEntry, type RoutePlan, routePlans } from "./routePlans.ts";

/** Bytes of a file that are in memory at the same time: Bun stops reading from a client when it is a little ahead of us. */
const STREAM_WINDOW_BYTES = 2_000_000;

export interface BodyOptions {
  settings: BodySettings;
  /** The header in which a trusted proxy names the client's address. */
  clientAddressHeader: string | null;
  routes: () => readonly RouteEntry[];
  server: () => Server | null;
  /** Aborted when the process stops. */
  stopping?: AbortSignal | undefined;
}

/**
 * Bytes that the body may take in memory. A handler that reads its body itself refuses one that is too large in its own
 * words, unread too.
 * @throws Fault TOO_LARGE when it says that it is larger than its route takes, or does not say how large it is
 */
function bytesToReserve(request: Request, plan: RoutePlan): number {
  const told = declaredLength(request);
  if (plan.body === "stream") return Math.min(told ?? STREAM_WINDOW_BYTES, STREAM_WINDOW_BYTES);
  if (plan.reader === "handler") return Math.min(told ?? plan.body, plan.body);
  if (told === null) throw new Fault("TOO_LARGE", "The body does not say how large it is: send a Content-Length");
  if (told > plan.body) throw tooLarge(plan.body);
  return told;
}

/** JSON by any name: `application/json`, `application/vnd.api+json`. */
function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.-]{1,64}\+)?json$/i.test(contentType);
}

/**
 * Bounds request bodies, all by the route that was matched. Mount `settle` before whatever answers errors, and `before` before the guard: it refuses by
 * length and budget what is not worth asking who it is from, and what it lets pass bounds what may pile up while the
 * database is asked. Mount `after` behind the guard: it reads the body, of those who may send one.
 */
export function bodyAdmission(options: BodyOptions) {
  const { settings, routes, server, clientAddressHeader, stopping } = options;
  const findPlan = routePlans(routes);
  const budget = createBodyBudget(settings);
  const waits: BodyWaits = { stopped: false, ends: new Set() };
  stopping?.addEventListener("abort", () => stopWaits(waits));

  // Elysia prepares for each hook what it names: one that hands on its whole context would have cookies parsed everywhere.
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
      const plan = findPlan(request.method, route);
      // Bodies that strangers may send and hold back must not stand in the way of callers at the same address.
      const asks = plan.access === "public" ? "stranger" : "unidentified";
      const client = `${asks} ${clientAddress(request, server(), clientAddressHeader)}`;
      context.body = {
        limit: plan.body === "stream" ? Number.POSITIVE_INFINITY : plan.body,
        settings,
        reservation: budget.reserve(client, bytesToReserve(request, plan)),
        waits,
      };
    });

  const after = new Elysia({ name: "body reading" })
    .use(requestContext)
    .onParse({ as: "global" }, async ({ context, route, contentType }) => {
      const { request } = context;
      if (!hasBody(request)) return;
      const plan = findPlan(request.method, route);
      if (plan.reader !== "json") return;
      if (isJson(contentType)) {
        const body = await readJson(context);
        if (body === undefined) throw new Fault("MALFORMED", "The body could not be read: expected valid JSON");
        return body;
      }
      if (plan.takesBody) throw invalid("body", "expected JSON: send Content-Type: application/json");
      return {};
    });

  /** Counts the body against its sender, before the request waits for anything. @throws AppError RATE_LIMITED */
  const identified: RouteCheck = ({ userId }, { context }) => {
    context.body?.reservation?.moveTo(`user ${userId}`);
  };

  return { settle, before, identified, after, inUse: budget.inUse };
}
