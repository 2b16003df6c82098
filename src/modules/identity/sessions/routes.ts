import { Elysia } from "elysia";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { requestContext } from "../../../http/request-context.ts";
import { IdParams } from "../../../http/schemas.ts";
import { iso } from "../../../lib/clock.ts";
import { invalid } from "../../../lib/errors.ts";
import type { Deps } from "../../deps.ts";
import { Done } from "../model.ts";
import { verifyPassword } from "../password.ts";
import type { Throttled } from "../sign-in-visit.ts";
import { OwnSessions, Reauthenticated, Reauthentication } from "./model.ts";
import { findPasswordHash, listSessions, recordReauthentication, revokeSession } from "./sessions.ts";

/** Sessions of the signed-in user, and reauthentication. */
export function sessionRoutes({ store, clock, config }: Deps, throttled: Throttled) {
  return new Elysia({ tags: ["Auth"] })
    .use(requestContext)
    .get(
      "/sessions",
      async ({ context }) => {
        const { userId, sessionId: currentId } = context.principal;
        const asked = { userId, currentId, now: clock.now(), idleMs: config.sessionIdleMs };
        return { success: true as const, data: await listSessions(store.read, asked) };
      },
      {
        response: OwnSessions,
        detail: {
          access: "user",
          sessionOnly: true,
          summary: "List your sessions",
          description: "Lists your 100 newest sessions, without their tokens. Needs a session.",
        },
      },
    )
    .delete(
      "/sessions/:id",
      async ({ params, context }) => {
        await store.write((tx) => revokeSession(tx, context.principal.userId, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Done,
        detail: {
          access: "user",
          sessionOnly: true,
          example: { parameters: { id: DEMO_IDS.session } },
          summary: "End a session",
          description:
            "Ends it at once, with the personal API keys that were created in it. It may be the session of this request. Needs a session.",
        },
      },
    )
    .post(
      "/reauthenticate",
      async ({ body, context, server }) => {
        const { userId, email, sessionId } = context.principal;
        return throttled({ context, server }, email, async () => {
          const hash = await findPasswordHash(store.read, userId);
          const isRight = hash !== null && (await verifyPassword({ hash, password: body.password }));
          if (!isRight || sessionId === null) throw invalid("password", "this is not your password");
          const signedInAt = await store.write((tx) => recordReauthentication(tx, sessionId));
          return { success: true as const, signedInAt: iso(signedInAt) };
        });
      },
      {
        body: Reauthentication,
        response: Reauthenticated,
        detail: {
          access: "user",
          sessionOnly: true,
          example: { body: { password: "correct horse battery" } },
          summary: "Give the password again",
          description:
            "Renews the sign-in of this session, under the same token, for operations that return 403 with the code REAUTHENTICATION_REQUIRED. 422 for a wrong password; 429 has the time of the next attempt in `Retry-After`.",
        },
      },
    );
}
