import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";
import { brandOf, callerOf } from "../http/access.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, Id, IdParams, Limit, Nullable } from "../http/model.ts";
import { reachOf } from "../http/reach.ts";
import { storable } from "../http/storable.ts";
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
    .use(storable)
    .post(
      "/",
      async ({ body, request }) => {
        const caller = callerOf(request);
        const brandId = brandOf(caller, body.brandId);
        return writeOnce(deps, request, async (tx) => {
          const row = await addVoicemailAccount(tx, brandId, body, { proved: caller.role === "admin" });
          return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
        });
      },
      {
        body: NewVoicemailAccount,
        response: OneAccount,
        detail: {
          access: "user",
          idempotent: true,
          summary: "Add a voicemail number",
          description:
            "A number that an admin adds for a brand (`brandId`) is proved. A number that a user adds is unproved: it is switched off as soon as an admin adds it to another brand. 409 when another brand has proved it, or the brand already has it.",
        },
      },
    )
    .get(
      "/",
      async ({ query, request }) => {
        const { limit = 20 } = query;
        const rows = await listVoicemailAccounts(store.read, {
          reach: reachOf(callerOf(request), query.brandId),
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
      async ({ params, request }) => {
        const row = await getVoicemailAccount(store.read, params.id, reachOf(callerOf(request)));
        return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
      },
      {
        params: IdParams,
        response: OneAccount,
        detail: {
          access: "user",
          summary: "Get a voicemail number",
          description: "Returns one number with its name and whether it is switched on.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, request }) => {
        const reach = reachOf(callerOf(request));
        const row = await store.write((tx) => changeVoicemailAccount(tx, params.id, reach, body));
        deps.wake();
        return { success: true as const, voicemailAccount: toVoicemailAccount(row) };
      },
      {
        params: IdParams,
        body: VoicemailAccountChange,
        response: OneAccount,
        detail: {
          access: "user",
          summary: "Update a voicemail number",
          description: "Updates its name, and switches it on or off.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, request }) => {
        await store.write((tx) => removeVoicemailAccount(tx, params.id, reachOf(callerOf(request))));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          summary: "Delete a voicemail number",
          description: "Returns 409 with `pendingMessages` while the number has pending messages.",
        },
      },
    );
}
