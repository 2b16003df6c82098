import { Elysia } from "elysia";
import type { Tx } from "../../../db/store.ts";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { requestContext } from "../../../http/request-context.ts";
import { IdParams } from "../../../http/schemas.ts";
import type { Deps } from "../../deps.ts";
import { ApiKeys, Done, MadeApiKey, NewApiKey } from "../model.ts";
import { createApiKey, listApiKeys, revokeApiKey } from "./api-keys.ts";

/** Stored under an Idempotency-Key instead of the response with the secret. */
const SHOWN_ONCE = {
  shownOnce: "This API key was created and is shown only once: if you did not get it, revoke it and create another",
};

/** Registers the routes of the signed-in user's API keys. */
export function apiKeyRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api-keys", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { userId, sessionId } = context.principal;
        const work = async (tx: Tx) => ({
          success: true as const,
          ...(await createApiKey(tx, userId, body, sessionId)),
        });
        return runIdempotent(deps, context, work, SHOWN_ONCE);
      },
      {
        body: NewApiKey,
        response: MadeApiKey,
        detail: {
          access: "user",
          idempotent: true,
          recentSignIn: true,
          example: { body: { name: "CRM import", kind: "SERVICE", expiresInDays: 90 } },
          summary: "Create an API key",
          description:
            "Creates a key that acts for you. It is shown only in this response: a retry under the same Idempotency-Key gets 409. Needs a session with a recent sign-in (`/api/auth/reauthenticate`); an API key cannot create keys.",
        },
      },
    )
    .get(
      "/",
      async ({ context }) => ({
        success: true as const,
        data: await listApiKeys(store.read, context.principal.userId),
      }),
      {
        response: ApiKeys,
        detail: {
          access: "user",
          sessionOnly: true,
          summary: "List API keys",
          description: "Lists your own API keys, newest first. Needs a session.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => revokeApiKey(tx, context.principal.userId, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Done,
        detail: {
          access: "user",
          sessionOnly: true,
          example: { parameters: { id: DEMO_IDS.apiKey } },
          summary: "Revoke an API key",
          description: "Takes effect at once. Needs a session.",
        },
      },
    );
}
