import { Elysia, t } from "elysia";
import { brandOf } from "../db/tenant-scope.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, Id, IdParams, Limit, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { NewVoicemailAccount, VoicemailAccount, VoicemailAccountChange } from "./model.ts";
import {
  addVoicemailAccount,
  changeVoicemailAccount,
  getVoicemailAccount,
  listVoicemailAccounts,
  removeVoicemailAccount,
  toVoicemailAccount,
} from "./voicemailAccounts.ts";

const OneAccount = t.Object({ success: t.Literal(true), voicemailAccount: VoicemailAccount });

/** The numbers a brand leaves voicemails from. */
export function voicemailRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/voicemail-accounts", tags: ["Senders"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { principal } = context;
        const brandId = brandOf(principal, body.brandId);
        return writeOnce(deps, context, async (tx) => {
          const row = await addVoicemailAccount(tx, brandId, body, { proved: principal.role === "admin" });
          return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
        });
      },
      {
        body: NewVoicemailAccount,
        response: OneAccount,
        detail: {
          access: "user",
          idempotent: true,
          example: {
            body: {
              brandId: EXEMPLARS.brand,
              phoneNumber: "+1 202 555 0148",
              displayName: "Northwind, evenings",
            },
          },
          summary: "Add a voicemail number",
          description:
            "Admins say for which brand, and their word proves that the number is its own. A number that a user adds is not proved: it is kept, and lost as soon as an admin adds it to another brand. 409 when it is proved already, or this brand has it.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20 } = query;
        const rows = await listVoicemailAccounts(store.read, {
          scope: context.scopeOf(query.brandId),
          after: readCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = cutPage(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toVoicemailAccount), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: Cursor, limit: Limit, brandId: t.Optional(Id) }),
        response: t.Object({
          success: t.Literal(true),
          data: t.Array(VoicemailAccount),
          nextCursor: Nullable(t.String()),
        }),
        detail: {
          access: "user",
          summary: "List voicemail numbers",
          description: "The brand's own, in the order they were added; for admins all, or those of `brandId`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const row = await getVoicemailAccount(store.read, params.id, context.scope);
        return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
      },
      {
        params: IdParams,
        response: OneAccount,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.voicemailAccount } },
          summary: "Get a voicemail number",
          description: "Its name, and whether it is in use.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const row = await store.write((tx) => changeVoicemailAccount(tx, params.id, scope, body));
        deps.wake();
        return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
      },
      {
        params: IdParams,
        body: VoicemailAccountChange,
        response: OneAccount,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.voicemailAccount }, body: { displayName: "Northwind, mornings" } },
          summary: "Change a voicemail number",
          description: "Its name, and whether it is in use.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => removeVoicemailAccount(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.spareVoicemailAccount } },
          summary: "Remove a voicemail number",
          description: "Refused (409, with `pendingMessages`) while messages wait to leave from it.",
        },
      },
    );
}
