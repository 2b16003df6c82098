import { eq } from "drizzle-orm";
import { Elysia } from "elysia";
import { brands } from "../../db/schema/brands.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Deps } from "../../deps.ts";
import { writeOnce } from "../../http/idempotency.ts";
import { storable } from "../../http/storable.ts";
import { Done, FoundUser, NewUser, OneUser, type User, UserEmail, UserId, UserRole } from "../model.ts";
import { hashPassword } from "../password.ts";
import { addUser, banUser, findUser, getUser, type Row, revokeSessions, setRole, unbanUser } from "../users.ts";

async function toUser(read: Reader, { id, email, name, role, image }: Row): Promise<User> {
  const [brand] = await read.select({ id: brands.id }).from(brands).where(eq(brands.ownerId, id));
  return { id, email, name, role, image, brandId: brand?.id ?? null };
}

/** What admins do with users. */
export function adminRoutes(deps: Deps) {
  const { store } = deps;
  const once = (request: Request, work: (tx: Tx) => Promise<Row>) =>
    writeOnce(deps, request, async (tx) => ({ success: true as const, user: await toUser(tx, await work(tx)) }));

  return new Elysia({ prefix: "/admin", tags: ["Auth"] })
    .use(storable)
    .post(
      "/find-user-by-email",
      async ({ body }) => {
        const { id: userId, name, email, brandId } = await toUser(store.read, await findUser(store.read, body.email));
        const message = brandId === null ? `${name} owns no brand` : `${name} owns a brand`;
        return { success: true, message, userId, name, email, brandId };
      },
      {
        body: UserEmail,
        response: FoundUser,
        detail: {
          access: "admin",
          summary: "Find User by Email",
          description:
            "Find user and their brand by email (Admin only). The whole address, in whatever case; 404 if nobody has it.",
        },
      },
    )
    .post(
      "/create-user",
      async ({ body, request }) => {
        const hash = await hashPassword(body.password, "password", body);
        return once(request, (tx) => addUser(tx, { ...body, emailVerified: true }, hash));
      },
      {
        body: NewUser,
        response: OneUser,
        detail: {
          access: "admin",
          idempotent: true,
          recentSignIn: true,
          summary: "Create a user",
          description: "Works when sign-up is closed too. `role` is `user` unless it says otherwise. Admins only.",
        },
      },
    )
    .post("/set-role", ({ body, request }) => once(request, (tx) => setRole(tx, body.userId, body.role)), {
      body: UserRole,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: true,
        summary: "Set a user's role",
        description: "At once, for open sessions too. 409 for the last admin. Admins only.",
      },
    })
    .post("/ban-user", ({ body, request }) => once(request, (tx) => banUser(tx, body.userId)), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        summary: "Ban a user",
        description:
          "Shuts the user out at once: sessions end, API keys are refused. 409 for the last admin. Admins only.",
      },
    })
    .post("/unban-user", ({ body, request }) => once(request, (tx) => unbanUser(tx, body.userId)), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: true,
        summary: "Lift a user's ban",
        description: "The user may sign in again, and API keys work again. Admins only.",
      },
    })
    .post(
      "/revoke-sessions",
      async ({ body, request }) => {
        return writeOnce(deps, request, async (tx) => {
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
          summary: "Sign a user out everywhere",
          description: "Ends all sessions of a user. API keys stay. Admins only.",
        },
      },
    );
}
