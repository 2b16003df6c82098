import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { brands } from "../../../src/db/schema/brands.ts";
import { invitations } from "../../../src/db/schema/identity.ts";
import { DAY, VirtualClock } from "../../../src/lib/clock.ts";
import { deleteOldInvitations } from "../../../src/modules/invitations/invitations.ts";
import { invitationsModule } from "../../../src/modules/invitations/routes.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { getUserId, requestSession, requestSignIn, type SignInView } from "../../support/auth-helpers.ts";

setDefaultTimeout(60_000);

const PATH = "/api/auth/admin/invitations";
const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));

interface Made {
  message: string;
  invitation: { id: string; email: string; status: string; role: string; expiresAt: string };
  token: string;
  url: string;
  mailed: boolean;
  mailError: string | null;
}
interface Entered extends SignInView {
  message: string;
  user: { id: string; email: string; role: string; emailVerified: boolean; brandId: string | null };
}

let app: TestApp;
let adminToken: string;
let people = 0;
beforeAll(async () => {
  app = await startApp({ clock, config: { signUp: "closed" } });
  app.app.use(invitationsModule(app.deps, app.identity));
  adminToken = await app.admin();
});
afterAll(() => app.close());

const fresh = () => `invited${people++}@example.com`;
const invite = (body: object, token = adminToken, headers = {}) =>
  app.request<Made>("POST", PATH, { token, body, headers });
const accept = (token: string, more: object = {}) =>
  app.request<Entered>("POST", "/api/auth/accept-invitation", {
    body: { token, name: "Ada", password: PASSWORD, ...more },
  });
const createInvitation = async (body: object) => {
  const answer = await invite(body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
};

describe("invitation", () => {
  test("accept creates one user with the given password and a verified address, although sign-up is closed", async () => {
    const email = fresh();
    const closed = { body: { email, password: PASSWORD, name: "X" } };
    expect((await app.request("POST", "/api/auth/sign-up/email", closed)).status).toBe(403);
    const { token, url, invitation, mailed, mailError } = await createInvitation({
      email: ` ${email.toUpperCase()}`.trim(),
    });
    expect(invitation).toMatchObject({ email, status: "OPEN", role: "user" });
    expect([mailed, mailError]).toEqual([false, null]);
    expect(url).toBe(`${app.deps.config.publicUrl}/api/auth/invitation#token=${token}`);
    const answer = await accept(token);
    expect(answer.body.user).toMatchObject({ email, role: "user", emailVerified: true, brandId: null });
    expect((await requestSession(app, { token: answer.body.token })).status).toBe(200);
    expect((await requestSignIn(app, email)).status).toBe(200);
    expect((await accept(token)).status).toBe(403);
    expect((await invite({ email })).status).toBe(409);
  });

  test("the token is stored as a hash, and neither listed nor replayed for an Idempotency-Key", async () => {
    const headers = { "idempotency-key": "invite-once" };
    const order = { email: fresh() };
    const { body } = await invite(order, adminToken, headers);
    const rows = JSON.stringify(await app.store.read.select().from(invitations));
    expect(rows).not.toContain(body.token);
    expect((await app.request("GET", PATH, { token: adminToken })).text).not.toContain(body.token);
    const again = await invite(order, adminToken, headers);
    expect([again.status, again.body.token]).toEqual([409, undefined as never]);
  });

  test("accept assigns the invitation's role and its brand, an existing one without an owner or a new one", async () => {
    const { token } = await createInvitation({ email: fresh(), role: "admin" });
    expect((await accept(token)).body.user.role).toBe("admin");

    const named = await createInvitation({ email: fresh(), brandName: "Analytical" });
    const founder = (await accept(named.token)).body.user;
    const [brand] = await app.store.read.select().from(brands).where(eq(brands.ownerId, founder.id));
    expect([brand?.name, founder.brandId]).toEqual(["Analytical", brand?.id ?? ""]);

    const body = { name: "Without an owner" };
    const orphan = await app.request<{ brand: { id: string } }>("POST", "/api/brands", { token: adminToken, body });
    const brandId = orphan.body.brand.id;
    const [first, second] = [
      await createInvitation({ email: fresh(), brandId }),
      await createInvitation({ email: fresh(), brandId }),
    ];
    expect((await accept(first.token)).body.user.brandId).toBe(brandId);
    // The second invitation for the brand must create neither ownership nor an account.
    expect((await accept(second.token)).status).toBe(409);
    expect((await requestSignIn(app, second.invitation.email)).status).toBe(401);
    expect((await invite({ email: fresh(), brandId })).status).toBe(409);
    expect((await invite({ email: fresh(), brandId: "nowhere" })).status).toBe(404);
    expect((await invite({ email: fresh(), brandId, brandName: "Both" })).status).toBe(422);
  });

  test("a revoked, replaced or expired invitation, or one of a former admin, answers 403", async () => {
    const revoked = await createInvitation({ email: fresh() });
    const path = `${PATH}/${revoked.invitation.id}`;
    expect((await app.request("DELETE", path, { token: adminToken })).status).toBe(200);
    expect((await app.request("DELETE", path, { token: adminToken })).status).toBe(404);

    const email = fresh();
    const [replaced, newer] = [await createInvitation({ email }), await createInvitation({ email })];

    const other = await app.admin();
    const userId = await getUserId(app, other);
    const demoted = (await invite({ email: fresh(), role: "admin" }, other)).body;
    const change = { token: adminToken, body: { userId, role: "user" } };
    expect((await app.request("POST", "/api/auth/admin/set-role", change)).status).toBe(200);

    const banned = await app.admin();
    const byBanned = (await invite({ email: fresh() }, banned)).body;
    const ban = { token: adminToken, body: { userId: await getUserId(app, banned) } };
    expect((await app.request("POST", "/api/auth/admin/ban-user", ban)).status).toBe(200);

    for (const { token } of [revoked, replaced, demoted, byBanned]) expect((await accept(token)).status).toBe(403);
    const old = await createInvitation({ email: fresh(), expiresInDays: 2 });
    clock.advance(2 * DAY);
    expect((await accept(old.token)).status).toBe(403);
    expect((await accept(newer.token)).status).toBe(200);
    adminToken = await app.admin();
    const { body } = await app.request<{ data: { id: string; status: string }[] }>("GET", `${PATH}?limit=100`, {
      token: adminToken,
    });
    expect(body.data.find(({ id }) => id === old.invitation.id)?.status).toBe("EXPIRED");
    expect(body.data.find(({ id }) => id === newer.invitation.id)?.status).toBe("ACCEPTED");
    clock.advance(31 * DAY);
    expect(await app.store.write(deleteOldInvitations)).toBeGreaterThan(0);
    adminToken = await app.admin();
  });

  test("ten concurrent accepts of one invitation create one user", async () => {
    const { token } = await createInvitation({ email: fresh() });
    const answers = await Promise.all(Array.from({ length: 10 }, () => accept(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(403)]);
  });

  test("accept requires a name unless the invitation has one, and a strong password", async () => {
    const { token } = await createInvitation({ email: fresh(), name: "Grace Hopper" });
    expect((await accept(token, { password: "1234567890" })).status).toBe(422);
    const answer = await app.request<Entered>("POST", "/api/auth/accept-invitation", {
      body: { token, password: PASSWORD },
    });
    expect(answer.status).toBe(200);
    const nameless = await createInvitation({ email: fresh() });
    const body = { token: nameless.token, password: PASSWORD };
    expect((await app.request("POST", "/api/auth/accept-invitation", { body })).status).toBe(422);
    expect((await accept(nameless.token)).status).toBe(200);
  });

  test.each(["", "x", "a.b", "\0", "x".repeat(300)])(
    "the invalid token %j is answered with 403 or 422",
    async (token) => {
      expect([403, 422]).toContain((await accept(token)).status);
    },
  );

  test("only admins create and list invitations", async () => {
    const { token } = await createInvitation({ email: fresh() });
    const user = (await accept(token)).body.token;
    expect((await invite({ email: fresh() }, user)).status).toBe(403);
    expect((await app.request("GET", PATH, { token: user })).status).toBe(403);
  });
});
