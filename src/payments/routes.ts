import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { invalid } from "../fault.ts";
import { requestContext } from "../http/request-context.ts";
import { PaymentPage, PaymentQuery, STATUSES, TYPES } from "./model.ts";
import { listPayments } from "./payments.ts";

/** A whole number that came as text. */
function readWhole(field: string, given: string | undefined, fallback: number, most: number): number {
  if (given === undefined) return fallback;
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= 1 && number <= most) return number;
  const bound = most === Number.MAX_SAFE_INTEGER ? "1 or more" : `1 to ${most}`;
  throw invalid(field, `expected a whole number, ${bound}`);
}

/** One of a few words, in whatever case. */
function readWord<Word extends string>(
  field: string,
  given: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (given === undefined) return undefined;
  const word = words.find((known) => known === given.toUpperCase());
  if (word === undefined) throw invalid(field, `expected one of ${words.join(", ")}`);
  return word;
}

/** Who paid what. */
export function paymentRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).use(requestContext).get(
    "/payments",
    async ({ query }) => {
      const page = readWhole("page", query.page, 1, Number.MAX_SAFE_INTEGER);
      const pageSize = readWhole("limit", query.limit, 20, 100);
      const status = readWord("status", query.status, STATUSES);
      const type = readWord("type", query.type, TYPES);
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
          "Get all payment transactions across the platform (Admin only). The newest first; `status` and `type` in whatever case.",
      },
    },
  );
}
