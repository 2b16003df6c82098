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

/** Manages the numbers from which a brand leaves voicemails. */
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
            "A number that an admin adds for a brand (`brandId`) is proved. A number that a user adds is unproved: it is switched off as soon as an admin adds it to another brand. 409 when another brand has proved it, or the brand already has it.",
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
          description:
            "Lists the brand's numbers in the order of creation. Admins get all numbers, or those of `brandId`.",
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
          description: "Returns one number with its name and whether it is switched on.",
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
          summary: "Update a voicemail number",
          description: "Updates its name, and switches it on or off.",
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
          summary: "Delete a voicemail number",
          description: "Returns 409 with `pendingMessages` while the number has pending messages.",
        },
      },
    );
}
