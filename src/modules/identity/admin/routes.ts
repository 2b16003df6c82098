import { eq } from "drizzle-orm";
import { Elysia } from "elysia";
import { brands } from "../../../db/schema/brands.ts";
import type { Reader, Tx } from "../../../db/store.ts";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { type RequestContext, requestContext } from "../../../http/request-context.ts";
import { AppError } from "../../../lib/errors.ts";
import type { Deps } from "../../deps.ts";
import { addVerifiedUser, verifyUser } from "../accounts.ts";
import { Done, FoundUser, NewUser, OneUser, type User, UserEmail, UserId, UserRole } from "../model.ts";
import { hashPassword } from "../password.ts";
import { banUser, getUser, getUserByEmail, revokeSessions, setRole, type UserRow, unbanUser } from "../users.ts";
import { adminKeyRoutes } from "./key-routes.ts";

async function toUser(read: Reader, { id, email, name, role, image, emailVerified }: UserRow): Promise<User> {
  const [brand] = await read.select({ id: brands.id }).from(brands).where(eq(brands.ownerId, id));
  return { id, email, name, role, image, emailVerified, brandId: brand?.id ?? null };
}

/** Bans a user. An API key cannot ban an admin, so that a stolen key cannot lock out those who could revoke it. */
function createBan(context: RequestContext, userId: string) {
  const { credential } = context.principal;
  return async (tx: Tx): Promise<UserRow> => {
    if (credential === "api-key" && (await getUser(tx, userId)).role === "admin")
      throw new AppError("FORBIDDEN", "An API key cannot ban an admin: sign in with your password");
    return banUser(tx, userId);
  };
}

/** Users, for admins. */
export function adminRoutes(deps: Deps) {
  const { store } = deps;
  const runOnce = (context: RequestContext, work: (tx: Tx) => Promise<UserRow>) =>
    runIdempotent(deps, context, async (tx) => ({ success: true as const, user: await toUser(tx, await work(tx)) }));

  return new Elysia({ prefix: "/admin", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/find-user-by-email",
      async ({ body }) => {
        const user = await toUser(store.read, await getUserByEmail(store.read, body.email));
        const { id: userId, name, email, emailVerified, brandId } = user;
        const owns = brandId === null ? "owns no brand" : "owns a brand";
        const message = emailVerified ? `${name} ${owns}` : `${name} has not proved this address, and ${owns}`;
        return { success: true, message, userId, name, email, emailVerified, brandId };
      },
      {
        body: UserEmail,
        response: FoundUser,
        detail: {
          access: "admin",
          example: { body: { email: DEMO_IDS.ownerEmail } },
          summary: "Find User by Email",
          description:
            "Find user and their brand by email (Admin only). The whole address, ignoring case; 404 for an unknown one.",
        },
      },
    )
    .post(
      "/create-user",
      async ({ body, context }) => {
        const hash = await hashPassword(body.password, "password", body);
        return runOnce(context, (tx) => addVerifiedUser(tx, body, hash));
      },
      {
        body: NewUser,
        response: OneUser,
        detail: {
          access: "admin",
          idempotent: true,
          recentSignIn: true,
          example: {
            body: {
              email: "grace@example.com",
              password: "correct horse battery",
              name: "Grace Hopper",
              role: "user",
            },
          },
          summary: "Create a user",
          description:
            "Creates a user with a verified address, also when sign-up is closed. An unverified account with the address is deleted first, with its sessions and API keys; its brand stays without an owner. 409 when a verified user has the address. `role` is `user` by default. Needs a recent sign-in. Admins only.",
        },
      },
    )
    .post("/set-role", ({ body, context }) => runOnce(context, (tx) => setRole(tx, body.userId, body.role)), {
      body: UserRole,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: true,
        example: { body: { userId: DEMO_IDS.colleague, role: "user" } },
        summary: "Set a user's role",
        description:
          "Takes effect at once, also for open sessions; the API keys of the user are deleted. 409 for the last admin. Needs a recent sign-in. Admins only.",
      },
    })
    .post("/verify-user", ({ body, context }) => runOnce(context, (tx) => verifyUser(tx, body.userId)), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: true,
        example: { body: { userId: DEMO_IDS.colleague } },
        summary: "Verify the address of a user",
        description:
          "Marks the e-mail address of a user as verified, so that they may own a brand. Ask the person first by another way than this address: anyone can sign up with it. Needs a recent sign-in. Admins only.",
      },
    })
    .post("/ban-user", ({ body, context }) => runOnce(context, createBan(context, body.userId)), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        example: { body: { userId: DEMO_IDS.colleague } },
        summary: "Ban a user",
        description:
          "Takes effect at once: sessions and API keys are deleted. 409 for the last admin. An API key cannot ban an admin. Admins only.",
      },
    })
    .post("/unban-user", ({ body, context }) => runOnce(context, (tx) => unbanUser(tx, body.userId)), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: true,
        example: { body: { userId: DEMO_IDS.colleague } },
        summary: "Lift a user's ban",
        description:
          "Lifts a ban: the user may sign in again; API keys are not restored. Needs a recent sign-in. Admins only.",
      },
    })
    .post(
      "/revoke-sessions",
      async ({ body, context }) => {
        return runIdempotent(deps, context, async (tx) => {
          await getUser(tx, body.userId);
          await revokeSessions(tx, body.userId);
          return { success: true as const };
        });
      },
      {
        body: UserId,
        response: Done,
        detail: {
          access: "admin",
          idempotent: true,
          sessionOnly: true,
          example: { body: { userId: DEMO_IDS.colleague } },
          summary: "Sign a user out everywhere",
          description:
            "Deletes all sessions and personal API keys of a user; service keys stay. Needs a session. Admins only.",
        },
      },
    )
    .use(adminKeyRoutes(deps));
}
