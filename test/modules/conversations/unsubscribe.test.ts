import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { brands } from "../../../src/db/schema/brands.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { DAY } from "../../../src/lib/clock.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(30_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const bansOf = (scope: string) => world.store.read.select().from(bans).where(eq(bans.scope, scope));

/** Sends a mail to one contact; returns the path of its unsubscribe link. */
async function sendMail() {
  const stage = await world.createLaunched({ people: 1 });
  await world.run();
  const path = new URL(world.channel.sent[0]?.unsubscribeUrl ?? "").pathname;
  return { ...stage, path };
}

describe("unsubscribe link", () => {
  test("GET shows a page with one button and changes nothing", async () => {
    const { path, brandId } = await sendMail();
    await world.store.write((tx) => tx.update(brands).set({ name: "<b>&Co" }).where(eq(brands.id, brandId)));
    for (let scan = 0; scan < 3; scan++) {
      const { status, headers, text } = await world.app.request("GET", path);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(text.match(/<button/g)).toHaveLength(1);
      expect(text).toContain("&lt;b&gt;&amp;Co");
      expect(text).not.toMatch(/https?:|<script|<b>/);
    }
    expect(await bansOf(brandId)).toEqual([]);
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(2);
  });

  test.each([
    ["a mail program (RFC 8058)", "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"],
    [
      "a mail program that sends a form",
      '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
      "multipart/form-data; boundary=b",
    ],
    ["the button of the page", "", "application/x-www-form-urlencoded"],
    ["a client with any other body", "{", "application/json"],
  ])("POST from %s unsubscribes the contact without a session", async (_, body, type) => {
    const { path, brandId, campaignId, emails } = await sendMail();
    const { status, text } = await world.app.request("POST", path, { body, headers: { "content-type": type } });
    expect(status).toBe(200);
    expect(text).toContain("You are unsubscribed");
    expect(await bansOf(brandId)).toMatchObject([{ email: emails[0], source: "UNSUBSCRIBE" }]);
    expect((await world.listMessages(campaignId))[1]).toMatchObject({
      status: "CANCELLED",
      errorMessage: "UNSUBSCRIBED",
    });
    expect(await world.listConversations(campaignId)).toMatchObject([{ status: "OPTED_OUT" }]);
    expect((await world.app.request("POST", path)).status).toBe(200);
    expect(await bansOf(brandId)).toHaveLength(1);
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(1);
  });

  test("answers 404 when it was changed or names no conversation", async () => {
    const { path, brandId, campaignId } = await sendMail();
    const [conversation] = await world.listConversations(campaignId);
    const { signer } = world.app.deps;
    const wrong = [
      `${path}x`,
      path.slice(0, -1),
      `/u/${conversation?.id}`,
      `/u/${conversation?.id}.`,
      `/u/.${signer.sign("unsubscribe|")}`,
      `/u/nothing.${signer.sign("unsubscribe|nothing")}`,
      `/u/${"x".repeat(5000)}`,
      "/u/%00.%00",
      "/u/example",
    ];
    for (const link of wrong) {
      for (const method of ["GET", "POST"]) {
        const { status, text } = await world.app.request(method, link);
        expect([method, link, status]).toEqual([method, link, 404]);
        expect(text).toContain("This link does not work");
      }
    }
    expect(await bansOf(brandId)).toEqual([]);
  });

  test("is hidden from the published API", () => {
    const routes = world.app.app.routes.filter(({ path }) => path.startsWith("/u/"));
    expect(routes.map(({ hooks }) => hooks.detail)).toMatchObject([
      { hide: true, access: "public" },
      { hide: true, access: "public" },
    ]);
  });
});
