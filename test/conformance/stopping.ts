import { expect, test } from "bun:test";
import { getBrandBalance, launchCampaign } from "../support/api-campaign.ts";
import type { ConformanceContext } from "./context.ts";

const OPENING = { subject: "Hello", body: "One" };
const LATER = { body: "Two", delay: { value: 2, unit: "DAYS" as const } };

/** Cases of replies, bans, pauses and missing credits that stop what is scheduled, whichever replica is asked. */
export function stoppingCases(context: () => ConformanceContext): void {
  test("reply, ban, platform ban, opt-out, manual mode and paused contact: no further message is sent", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, bringForward, fleet, admin } = context();
    const [owner, persons] = [await createBrand(), createPeople(7)];
    const id = await launchCampaign(owner, { name: "Stop", stages: [OPENING, LATER], people: persons });
    const opened = await waitForMessages(
      owner,
      id,
      (all) => all.filter(({ status }) => status === "SENT").length === 7,
    );
    type Members = { data: { conversationId: string; contact: { id: string; email: string } }[] };
    const { data } = await owner.ask<Members>("GET", `/api/campaigns/${id}/contacts?limit=100`);
    const of = (n: number) => {
      const member = data.find(({ contact }) => contact.email === persons[n]?.email);
      if (!member) throw new Error(`there is no member ${n}`);
      return { ...member, email: member.contact.email, contactId: member.contact.id };
    };
    const conversation = "/api/campaigns/conversations";
    await owner.ask("POST", `${conversation}/${of(0).conversationId}/inbound`, { channel: "EMAIL", text: "Call me." });
    await owner.ask("POST", "/api/auth/banned", { email: of(1).email });
    await fleet.api("POST", "/api/auth/banned", { token: admin, body: { email: of(2).email } });
    const link = /list-unsubscribe: <(.*?)>/i.exec(mailTo([of(3)])[0]?.raw.replace(/\r\n\s+/g, " ") ?? "")?.[1];
    const clicked = await fleet.api("POST", new URL(link ?? "").pathname, { body: "" });
    expect(clicked.status).toBe(200);
    await owner.ask("POST", `${conversation}/${of(4).conversationId}/set-mode`, { mode: "MANUAL" });
    await owner.ask("POST", `/api/campaigns/${id}/pause-contact`, { contactId: of(5).contactId });

    await bringForward(owner, id);
    const reasons = async () => {
      const messages = await waitForMessages(owner, id, (all) =>
        all.some(({ stage, status, contactId }) => stage === 1 && status === "SENT" && contactId === of(6).contactId),
      );
      return [0, 1, 2, 3, 4, 5, 6].map((n) =>
        messages.find(({ stage, contactId }) => stage === 1 && contactId === of(n).contactId),
      );
    };
    await reasons();
    await waitForMessages(owner, id, (all) => all.some(({ errorMessage }) => errorMessage === "CONTACT_PAUSED"));
    expect((await reasons()).map((message) => [message?.status, message?.errorMessage])).toEqual([
      ["CANCELLED", "REPLIED"],
      ["CANCELLED", "BANNED"],
      ["CANCELLED", "BANNED"],
      ["CANCELLED", "UNSUBSCRIBED"],
      ["CANCELLED", "MANUAL_MODE"],
      ["PENDING", "CONTACT_PAUSED"],
      ["SENT", null],
    ]);
    expect(opened.filter(({ stage }) => stage === 0)).toHaveLength(7);
    expect(mailTo(persons)).toHaveLength(8);

    await owner.ask("POST", `/api/campaigns/${id}/resume-contact`, { contactId: of(5).contactId });
    await bringForward(owner, id);
    await waitForMessages(owner, id, (all) => all.filter(({ status }) => status === "SENT").length === 9);
    expect(mailTo(persons)).toHaveLength(9);
    expect(mailTo([of(5)])).toHaveLength(2);
    expect(await getBrandBalance(owner)).toMatchObject({ totalReserved: 0, totalUsed: 9 });
  });

  test("campaign: a pause keeps unsent messages, a resume sends none twice, and a cancellation is final", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, waitUntilIdle, fleet } = context();
    const [owner, persons] = [await createBrand({ count: 1 }), createPeople(80)];
    const stages = [OPENING, { body: "Two" }];
    const id = await launchCampaign(owner, { name: "Pause", stages, people: persons });
    const path = `/api/campaigns/${id}`;
    await waitForMessages(owner, id, (all) => all.some(({ status }) => status === "SENT"));
    await owner.ask("POST", `${path}/pause`, {});
    await waitUntilIdle();
    const held = mailTo(persons).length;
    await Bun.sleep(300);
    expect(mailTo(persons)).toHaveLength(held);
    expect(held).toBeLessThan(160);

    // Of the concurrent resumes exactly one succeeds.
    const asked = fleet.replicas.flatMap(({ api }) => [api, api]);
    const answers = await Promise.all(asked.map((api) => api("POST", `${path}/resume`, { token: owner.token })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await waitForMessages(owner, id, (all) => all.filter(({ status }) => status === "SENT").length > held + 8);
    await owner.ask("POST", `${path}/cancel`, {});
    await waitUntilIdle();
    const reached = mailTo(persons).length;
    const messages = await waitForMessages(owner, id, (all) => all.every(({ status }) => status !== "PENDING"));
    expect(mailTo(persons)).toHaveLength(reached);
    expect(messages.filter(({ status }) => status === "SENT")).toHaveLength(reached);
    expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(reached);
    expect(
      messages.filter(({ status, errorMessage }) => status !== "SENT" && errorMessage !== "CAMPAIGN_STOPPED"),
    ).toEqual([]);
    expect(await getBrandBalance(owner)).toMatchObject({ totalReserved: 0, totalUsed: reached });
  });

  test("campaign without credits: is paused automatically and resumes after a top-up", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, fleet, admin } = context();
    const [owner, persons] = [await createBrand({ credits: 5 }), createPeople(3)];
    const id = await launchCampaign(owner, { name: "Dry", stages: [OPENING, { body: "Two" }], people: persons });
    await waitForMessages(owner, id, (all) => all.filter(({ status }) => status === "SENT").length === 5);
    type Shown = { campaign: { status: string; statusReason: string | null } };
    const campaign = async () => (await owner.ask<Shown>("GET", `/api/campaigns/${id}`)).campaign;
    await waitForMessages(owner, id, (all) => all.some(({ status }) => status === "PENDING"));
    while ((await campaign()).status === "RUNNING") await Bun.sleep(50);
    expect(await campaign()).toMatchObject({ status: "AUTO_PAUSED", statusReason: "NO_CREDITS" });
    const body = { brandId: owner.brandId, credits: 10, reason: "a top-up" };
    await fleet.api("POST", "/api/auth/admin/grant-credits", { token: admin, body });
    await waitForMessages(owner, id, (all) => all.filter(({ status }) => status === "SENT").length === 6);
    expect(mailTo(persons)).toHaveLength(6);
    expect(await getBrandBalance(owner)).toMatchObject({ creditAvailable: 9, totalReserved: 0, totalUsed: 6 });
  });
}
