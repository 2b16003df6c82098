import { expect, test } from "bun:test";
import { getBrandBalance, launchCampaign, type MessageView } from "../support/api-campaign.ts";
import { startScriptedSmtpServer } from "../support/servers/smtp-server.ts";
import type { ConformanceContext } from "./context.ts";

const OPENING = { subject: "Hello", body: "One" };

export const isUnknown = ({ status, errorMessage }: MessageView) =>
  status === "PENDING" && errorMessage === "OUTCOME_UNKNOWN";

/** Cases of messages that are refused, deferred or of unknown outcome, and of mailboxes that move. */
export function failingCases(context: () => ConformanceContext): void {
  test("delivery: a rejected message fails and is refunded, a deferred one is retried with the same Message-ID", async () => {
    const { createBrand, createPeople, waitForMessages, bringForward } = context();
    const persons = createPeople(3);
    const [unknown, busy] = persons.map(({ email }) => email);
    let tries = 0;
    const server = await startScriptedSmtpServer({
      rcpt: (line) => {
        if (line.includes(`<${unknown}>`)) return "550 5.1.1 no such user here";
        return line.includes(`<${busy}>`) && ++tries < 3 ? "451 4.2.0 greylisted" : "250 2.1.5 ok";
      },
    });
    const owner = await createBrand({ smtpPort: server.port });
    const id = await launchCampaign(owner, { name: "Refused", stages: [OPENING, { body: "Two" }], people: persons });
    for (let attempt = 1; attempt < 3; attempt++) {
      const isPutOff = (one: MessageView) => one.attempts === attempt && one.errorMessage?.includes("greylisted");
      await waitForMessages(owner, id, (all) => tries > attempt || all.some(isPutOff));
      await bringForward(owner, id);
    }
    const messages = await waitForMessages(
      owner,
      id,
      (all) => all.length === 5 && all.every(({ status }) => status !== "PENDING"),
    );
    expect(
      messages.filter(({ status }) => status === "FAILED").map(({ stage, errorMessage }) => [stage, errorMessage]),
    ).toEqual([[0, expect.stringContaining("5.1.1")]]);
    expect(tries).toBeGreaterThanOrEqual(3);
    expect(server.received.map(({ to }) => to).sort()).toEqual(
      [busy, busy, persons[2]?.email, persons[2]?.email].map(String).sort(),
    );
    expect(await getBrandBalance(owner)).toMatchObject({ creditAvailable: 9_996, totalReserved: 0, totalUsed: 4 });
    await server.stop();
  });

  test("delivery: an unknown outcome is shown and can be resolved as sent or as not sent", async () => {
    const { createBrand, createPeople, waitForMessages, fleet, admin } = context();
    const persons = createPeople(2);
    let dots = 0;
    const server = await startScriptedSmtpServer({ dot: () => (++dots <= 2 ? "drop" : "250 2.0.0 ok") });
    const owner = await createBrand({ smtpPort: server.port });
    const id = await launchCampaign(owner, { name: "Unknown", stages: [OPENING, { body: "Two" }], people: persons });
    const unknown = await waitForMessages(owner, id, (all) => all.length === 2 && all.every(isUnknown));
    expect(await getBrandBalance(owner)).toMatchObject({ totalReserved: 2, totalUsed: 0 });
    const path = "/api/campaigns/outcome-unknown";
    await owner.ask("POST", `${path}/${unknown[0]?.id}/resolve`, { as: "SENT" });
    await owner.ask("POST", `${path}/${unknown[1]?.id}/resolve`, { as: "NOT_SENT" });
    await waitForMessages(owner, id, (all) => all.length === 4 && all.every(({ status }) => status === "SENT"));
    const again = await fleet.api("POST", `${path}/${unknown[0]?.id}/resolve`, {
      token: admin,
      body: { as: "NOT_SENT" },
    });
    expect(again.status).toBe(409);
    // One message counts as sent, one is sent again with the same Message-ID, and both have a follow-up.
    const ids = server.received.map(({ messageId }) => messageId);
    expect([ids.length, new Set(ids).size]).toEqual([5, 4]);
    expect(await getBrandBalance(owner)).toMatchObject({ totalReserved: 0, totalUsed: 4 });
    await server.stop();
  });

  test("mailbox assigned to another brand: sends nothing more for the first brand", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, bringForward, fleet, admin } = context();
    const [owner, other, persons] = [await createBrand(), await createBrand(), createPeople(10)];
    const stages = [OPENING, { body: "Two", delay: { value: 1, unit: "DAYS" as const } }];
    const id = await launchCampaign(owner, { name: "Moves", stages, people: persons });
    await waitForMessages(owner, id, (all) => all.filter(({ status }) => status === "SENT").length === 10);
    const body = { accountId: owner.senderIds[0], brandId: other.brandId };
    const moved = await fleet.api("POST", "/api/auth/admin/assign-email-account", { token: admin, body });
    expect(moved.status).toBe(200);
    await bringForward({ ...owner, senderIds: owner.senderIds.slice(1) }, id);
    await waitForMessages(owner, id, (all) => all.length === 20 && all.every(({ status }) => status === "SENT"));
    const senders = mailTo(persons)
      .slice(10)
      .map(({ raw }) => /^from:.*?([\w.]+@[\w.]+)/im.exec(raw)?.[1]);
    expect(senders).toHaveLength(10);
    expect(new Set(senders).size).toBe(1);
    expect(senders[0]).toStartWith("m1@");
  });
}
