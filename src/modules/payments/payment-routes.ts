import { Elysia } from "elysia";
import { requestContext } from "../../http/request-context.ts";
import { invalid } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { PaymentPage, PaymentQuery, STATUSES, TYPES } from "./model.ts";
import { listPayments } from "./payments.ts";

/** Parses an integer from a query parameter. */
function parseInteger(field: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined) return fallback;
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= 1 && number <= max) return number;
  const bound = max === Number.MAX_SAFE_INTEGER ? "1 or more" : `1 to ${max}`;
  throw invalid(field, `expected a whole number, ${bound}`);
}

/** Parses one of several values, ignoring case. */
function parseEnum<Word extends string>(
  field: string,
  given: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (given === undefined) return undefined;
  const word = words.find((known) => known === given.toUpperCase());
  if (word === undefined) throw invalid(field, `expected one of ${words.join(", ")}`);
  return word;
}

/** Routes of payments, for admins. */
export function paymentRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).use(requestContext).get(
    "/payments",
    async ({ query }) => {
      const page = parseInteger("page", query.page, 1, Number.MAX_SAFE_INTEGER);
      const pageSize = parseInteger("limit", query.limit, 20, 100);
      const status = parseEnum("status", query.status, STATUSES);
      const type = parseEnum("type", query.type, TYPES);
      const filter = { status, type, brandId: query.brandId };
      const { transactions, total } = await listPayments(store.read, filter, { page, limit: pageSize });
      const pagination = { page, pageSize, total, totalPages: Math.ceil(total / pageSize) };
      return { success: true, transactions, pagination };
    },
    {
      query: PaymentQuery,
      response: PaymentPage,
      detail: {
        access: "admin",
        summary: "Get All Platform Payments",
        description:
          "Get all payment transactions across the platform (Admin only). The newest first; `status` and `type` in any case.",
      },
    },
  );
}
