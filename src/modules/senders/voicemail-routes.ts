import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, Id, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import type { Deps } from "../deps.ts";
import { NewVoicemailAccount, VoicemailAccount, VoicemailAccountUpdate } from "./model.ts";
import {
  createVoicemailAccount,
  deleteVoicemailAccount,
  getVoicemailAccount,
  listVoicemailAccounts,
  toVoicemailAccount,
  updateVoicemailAccount,
} from "./voicemail-accounts.ts";

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
        const brandId = resolveBrandId(principal, body.brandId);
        return runIdempotent(deps, context, async (tx) => {
          const row = await createVoicemailAccount(tx, brandId, body, { proved: principal.role === "admin" });
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
              brandId: DEMO_IDS.brand,
              phoneNumber: "+1 202 555 0148",
              displayName: "Northwind, evenings",
            },
          },
          summary: "Add a voicemail number",
          description:
            "Adds a phone number. A number that an admin adds for a brand (`brandId`) is proved. A number that a user adds is unproved: it is switched off as soon as an admin adds it to another brand. 409 when another brand has proved it, or the brand already has it.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20 } = query;
        const rows = await listVoicemailAccounts(store.read, {
          scope: context.scopeOf(query.brandId),
          after: parseCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toVoicemailAccount), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit, brandId: t.Optional(Id) }),
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
          example: { parameters: { id: DEMO_IDS.voicemailAccount } },
          summary: "Get a voicemail number",
          description: "Returns one number with its name and whether it is switched on.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const row = await store.write((tx) => updateVoicemailAccount(tx, params.id, scope, body));
        deps.wake();
        return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
      },
      {
        params: IdParams,
        body: VoicemailAccountUpdate,
        response: OneAccount,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.voicemailAccount }, body: { displayName: "Northwind, mornings" } },
          summary: "Update a voicemail number",
          description: "Updates its name, and switches it on or off.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => deleteVoicemailAccount(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.spareVoicemailAccount } },
          summary: "Delete a voicemail number",
          description: "Returns 409 with `pendingMessages` while the number has pending messages.",
        },
      },
    );
}
