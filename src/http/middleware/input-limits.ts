import { Elysia } from "elysia";
import { invalid } from "../../lib/errors.ts";
import { createRouteFinder, type RouteEntry } from "../route-policies.ts";
import { createLengthCheck, type LengthCheck } from "./input-lengths.ts";
import { assertStorable } from "./storable-input.ts";

interface Checks {
  isOn: boolean;
  body: LengthCheck | null;
  query: LengthCheck | null;
  params: LengthCheck | null;
}

type Schema = Parameters<typeof createLengthCheck>[0];

function compileChecks(hooks: unknown): Checks {
  const { body, query, params, detail } = (hooks ?? {}) as Partial<Record<"body" | "query" | "params", Schema>> & {
    detail?: { inputLimits?: false };
  };
  return {
    isOn: detail?.inputLimits !== false,
    body: body ? createLengthCheck(body) : null,
    query: query ? createLengthCheck(query) : null,
    params: params ? createLengthCheck(params) : null,
  };
}

/**
 * Rejects input of any route that is longer than its schema allows, or cannot be stored, before Elysia validates it. TypeBox
 * compares lengths first, but to describe the errors of a value it runs every pattern and format on the whole of it: a sign-in
 * with a megabyte of e-mail address blocked the process for 0.9 s. A handler that reads the body itself
 * (`parse: handlerReadsBody`) checks its content itself; a route that answers any input says `inputLimits: false`.
 */
export function inputLimits(routes: () => readonly RouteEntry[]) {
  const findChecks = createRouteFinder(routes, compileChecks, compileChecks(undefined));
  return new Elysia({ name: "input limits" }).onTransform(
    { as: "global" },
    ({ request, route, body, query, params }) => {
      const checks = findChecks(request.method, route);
      if (!checks.isOn) return;
      const flaw =
        checks.params?.(params, "") ??
        checks.query?.(query, "") ??
        (body === undefined ? null : checks.body?.(body, ""));
      if (flaw) throw invalid(flaw.field || "body", flaw.message);
      assertStorable({ body, query, params });
    },
  );
}
