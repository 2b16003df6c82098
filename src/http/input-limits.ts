import { Elysia } from "elysia";
import { invalid } from "../fault.ts";
import { type LengthCheck, lengthCheck } from "./inputLengths.ts";
import { byRoute, type RouteEntry } from "./routePlans.ts";
import { assertStorable } from "./storable.ts";

interface Checks {
  body: LengthCheck | null;
  query: LengthCheck | null;
  params: LengthCheck | null;
}

function checksOf(hooks: unknown): Checks {
  const { body, query, params } = (hooks ?? {}) as Record<keyof Checks, Parameters<typeof lengthCheck>[0] | undefined>;
  return {
    body: body ? lengthCheck(body) : null,
    query: query ? lengthCheck(query) : null,
    params: params ? lengthCheck(params) : null,
  };
}

/**
 * Refuses input of every route that is longer than its schema allows, or that cannot be stored, before Elysia checks anything
 * else of it. TypeBox compares lengths first, but when it then looks for what to say about a value it runs every pattern and
 * format on the whole of it: a sign-in with a megabyte of e-mail address kept the process for 0.9 s. A route whose handler
 * reads the body itself (`parse: leftToRoute`) checks its content itself, too.
 */
export function inputLimits(routes: () => readonly RouteEntry[]) {
  const findChecks = byRoute(routes, checksOf, checksOf(undefined));
  return new Elysia({ name: "input limits" }).onTransform(
    { as: "global" },
    ({ request, route, body, query, params }) => {
      const checks = findChecks(request.method, route);
      const flaw =
        checks.params?.(params, "") ??
        checks.query?.(query, "") ??
        (body === undefined ? null : checks.body?.(body, ""));
      if (flaw) throw invalid(flaw.field || "body", flaw.message);
      assertStorable({ body, query, params });
    },
  );
}
