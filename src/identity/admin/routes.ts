import { eq } from "drizzle-orm";
import { Elysia } from "elysia";
import { brands } from "../../db/schema/brands.ts";
import type { Reader } from "../../db/store.ts";
import type { Deps } from "../../deps.ts";
import { storable } from "../../http/storable.ts";
import { Done, NewUser, OneUser, type User, UserId, UserRole } from "../model.ts";
import { hashPassword } from "../password.ts";
import { addUser, banUser, getUser, type Row, revokeSessions, setRole, unbanUser } from "../users.ts";

async function toUser(read: Reader, { id, email, name, role, image }: Row): Promise<User> {
  const [brand] = await read.select({ id: brands.id }).from(brands).where(eq(brands.ownerId, id));
  return { id, email, name, role, image, brandId: brand?.id ?? null };
}

/** What admins do with users. */
export function adminRoutes({ store }: Deps) {
  const answer = async (row: Row) => ({ success: true as const, user: await toUser(store.read, row) });

  return new Elysia({ prefix: "/admin", tags: ["Auth"] })
    .use(storable)
    .post(
      "/create-user",
      async ({ body }) => {
        const hash = await hashPassword(body.password);
        return answer(await store.write((tx) => addUser(tx, body, hash)));
      },
      {
        body: NewUser,
        response: OneUser,
        detail: {
          access: "admin",
          summary: "Create a user",
          description: "Works when sign-up is closed too. `role` is `user` unless it says otherwise. Admins only.",
        },
      },
    )
    .post("/set-role", async ({ body }) => answer(await store.write((tx) => setRole(tx, body.userId, body.role))), {
      body: UserRole,
      response: OneUser,
      detail: {
        access: "admin",
        summary: "Set a user's role",
        description: "At once, for open sessions too. 409 for the last admin. Admins only.",
      },
    })
    .post("/ban-user", async ({ body }) => answer(await store.write((tx) => banUser(tx, body.userId))), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        summary: "Ban a user",
        description:
          "Shuts the user out at once: sessions end, API keys are refused. 409 for the last admin. Admins only.",
      },
    })
    .post("/unban-user", async ({ body }) => answer(await store.write((tx) => unbanUser(tx, body.userId))), {
      body: UserId,
      response: OneUser,
      detail: {
        access: "admin",
        summary: "Lift a user's ban",
        description: "The user may sign in again, and API keys work again. Admins only.",
      },
    })
    .post(
      "/revoke-sessions",
      async ({ body }) => {
        await store.write(async (tx) => {
          await getUser(tx, body.userId);
          await revokeSessions(tx, body.userId);
        });
        return { success: true as const };
      },
      {
        body: UserId,
        response: Done,
        detail: {
          access: "admin",
          summary: "Sign a user out everywhere",
          description: "Ends all sessions of a user. API keys stay. Admins only.",
        },
      },
    );
}
