import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { Outcome } from "../../../src/channels/channel.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { HOUR, SECOND } from "../../../src/lib/clock.ts";
import { getFirstMailboxId } from "../../support/mailboxes.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(20_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterAll(() => world.close());

const REVOKED: Outcome = { kind: "deferred", scope: "sender", reason: "invalid_grant", reauth: true };

const rowOf = async (id: string) =>
  (await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.id, id)))[0];

test("mailbox with revoked credentials: needs new ones and is not retried by time", async () => {
  const stage = await world.createLaunched({ people: 1, delays: [0] });
  const id = await getFirstMailboxId(world, stage);
  world.channel.enqueue(REVOKED);
  await world.run();
  expect(await rowOf(id)).toMatchObject({ connectionStatus: "REAUTH_REQUIRED", pausedUntil: null });
  await world.advanceClock(24 * HOUR);
  expect(world.channel.sent).toHaveLength(1);
  const [message] = await world.listMessages(stage.campaignId);
  expect(message).toMatchObject({ status: "PENDING", errorMessage: "SENDER_DISCONNECTED", attempts: 0 });
  const path = `/api/email-accounts/${id}`;
  const login = { host: "8.8.8.8", port: 587, security: "TLS", username: null, password: null };
  expect((await (await world.admin())("PATCH", path, login)).status).toBe(200);
  await world.run();
  expect((await world.listMessages(stage.campaignId))[0]?.status).toBe("SENT");
});

test("mailbox whose login changed during a delivery: the result of the old login is ignored", async () => {
  const stage = await world.createLaunched({ people: 1, delays: [0] });
  const id = await getFirstMailboxId(world, stage);
  const answer = world.channel.suspendNext();
  await world.engine.runDue();
  world.clock.advance(SECOND);
  const login = { host: "8.8.8.8", port: 587, security: "TLS", username: null, password: null };
  expect((await (await world.admin())("PATCH", `/api/email-accounts/${id}`, login)).status).toBe(200);
  answer(REVOKED);
  await world.run();
  expect(await rowOf(id)).toMatchObject({ connectionStatus: "CONNECTED", failures: 0 });
  await world.advanceClock(HOUR);
  expect((await world.listMessages(stage.campaignId))[0]?.status).toBe("SENT");
});
