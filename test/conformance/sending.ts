import { expect, test } from "bun:test";
import { launchCampaign, listAllPages, listCampaignMessages } from "../support/api-campaign.ts";
import { REPLICAS } from "../support/fleet.ts";
import { startSmtpServer } from "../support/servers/smtp-server.ts";
import type { ConformanceContext } from "./context.ts";

const DAY = 24 * 60 * 60 * 1000;

type Timed = { stage: number; scheduledTime: string; processedAt: string };

/** Cases of when and in which order messages are sent. */
export function sendingCases(context: () => ConformanceContext): void {
  test("campaign: each contact gets each stage once, in order, in one thread", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages } = context();
    const [owner, persons] = [await createBrand(), createPeople(20)];
    const stages = [{ subject: "Hello {{ firstName }}", body: "One" }, { body: "Two" }, { body: "Three" }];
    const id = await launchCampaign(owner, { name: "Thread", stages, people: persons });
    await waitForMessages(owner, id, (all) => all.length === 60 && all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(60);
    for (const person of persons) {
      const got = mailTo([person]);
      expect(got.map(({ raw }) => /One|Two|Three/.exec(raw.slice(raw.indexOf("\r\n\r\n")))?.[0])).toEqual([
        "One",
        "Two",
        "Three",
      ]);
      expect(new Set(got.map(({ raw }) => /^from:.*<(.*)>|^from: (.*)/im.exec(raw)?.[0])).size).toBe(1);
      for (const [n, { raw }] of got.entries()) {
        const headers = raw.slice(0, raw.indexOf("\r\n\r\n")).replace(/\r\n\s+/g, " ");
        const before = got.slice(0, n).map(({ messageId }) => messageId);
        expect(/^references: (.*)$/im.exec(headers)?.[1] ?? "").toBe(before.join(" "));
        expect(/^in-reply-to: (.*)$/im.exec(headers)?.[1]).toBe(before.at(-1));
        expect(/^subject: (.*)$/im.exec(headers)?.[1]).toBe(n === 0 ? "Hello Jo" : "Re: Hello Jo");
      }
    }
  });

  test("campaign: no message is sent before the start of the campaign or the delay of its stage", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, bringForward } = context();
    const [owner, persons] = [await createBrand(), createPeople(6)];
    const stages = [
      { subject: "Hello", body: "One" },
      { body: "Two", delay: { value: 3, unit: "DAYS" as const } },
    ];
    const startAt = Date.now() + 2_000;
    const id = await launchCampaign(owner, { name: "Later", stages, people: persons, startAt });
    const opened = await waitForMessages(
      owner,
      id,
      (all) => all.filter(({ status }) => status === "SENT").length === 6,
    );
    for (const { processedAt } of opened.filter(({ status }) => status === "SENT"))
      expect(Date.parse(processedAt ?? "")).toBeGreaterThanOrEqual(startAt);
    const timed = await listAllPages<Timed & { contactId: string }>(owner, `/api/campaigns/${id}/messages`);
    for (const { stage, contactId, processedAt } of timed.filter(({ stage }) => stage === 0)) {
      const next = timed.find((message) => message.contactId === contactId && message.stage === stage + 1);
      expect(Date.parse(next?.scheduledTime ?? "")).toBe(Date.parse(processedAt) + 3 * DAY);
    }
    expect(mailTo(persons)).toHaveLength(6);
    await bringForward(owner, id);
    await waitForMessages(owner, id, (all) => all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(12);
  });

  test("mailbox: daily limit and connections are bounded over all replicas, and explain names the daily cap", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages } = context();
    const slow = await startSmtpServer({ replyDelayMs: 30 });
    const [owner, persons] = [await createBrand({ count: 1, dailyLimit: 30, smtpPort: slow.port }), createPeople(40)];
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, slow.connections.open);
    }, 2);
    const stages = [{ subject: "Hello", body: "One" }];
    const id = await launchCampaign(owner, { name: "Cap", stages, people: persons });
    // Messages beyond the daily limit are scheduled for the next day.
    const messages = await waitForMessages(
      owner,
      id,
      (all) => all.filter(({ status }) => status === "SENT").length === 30,
    );
    await owner.ask("POST", `/api/campaigns/${id}/pause`, {});
    await owner.ask("POST", `/api/campaigns/${id}/resume`, {});
    await context().bringForward(owner, id);
    const capped = await waitForMessages(
      owner,
      id,
      (all) => all.filter(({ errorMessage }) => errorMessage === "DAILY_CAP").length === 10,
    );
    clearInterval(watching);
    expect(messages).toHaveLength(40);
    expect(slow.received).toHaveLength(30);
    expect(most).toBeLessThanOrEqual(4 * REPLICAS);
    const waiting = capped.find(({ status }) => status === "PENDING");
    type Told = { messages: { gates: { gate: string; verdict: string }[] }[] };
    const explained = await owner.ask<Told>("GET", `/api/campaigns/${id}/explain?contactId=${waiting?.contactId}`);
    expect(explained.messages[0]?.gates).toContainEqual(
      expect.objectContaining({ gate: "daily cap", verdict: "WAIT" }),
    );
    expect(mailTo(persons)).toEqual([]);
    await slow.stop();
  });

  test("concurrent wake-ups of all replicas: no message is sent twice", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, fleet } = context();
    const [owner, persons] = [await createBrand(), createPeople(30)];
    const stages = [{ subject: "Hello", body: "One" }, { body: "Two" }];
    const startAt = Date.now() + 1_000;
    const id = await launchCampaign(owner, { name: "Wake", stages, people: persons, startAt });
    const body = { emailAccountIds: owner.senderIds };
    const done = async () => (await listCampaignMessages(owner, id)).every(({ status }) => status === "SENT");
    for (let asked = 0; asked < 50 && !(await done()); asked++) {
      const wake = fleet.replicas.flatMap(({ api }) => [api, api]);
      await Promise.all(wake.map((api) => api("PUT", `/api/campaigns/${id}/senders`, { token: owner.token, body })));
    }
    await waitForMessages(owner, id, (all) => all.length === 60 && all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(60);
  });
}
