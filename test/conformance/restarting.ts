import { expect, test } from "bun:test";
import { getBrandBalance, launchCampaign } from "../support/api-campaign.ts";
import { REPLICAS } from "../support/fleet.ts";
import { startSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import type { ConformanceContext } from "./context.ts";
import { isUnknown } from "./failing.ts";

const STAGES = [{ subject: "Hello", body: "One" }, { body: "Two" }, { body: "Three" }];

/** Cases of replicas that stop, restart or are killed while they send. */
export function restartingCases(context: () => ConformanceContext): void {
  test("rolling restart while sending: no message is lost and no outcome is unknown", async () => {
    const { createBrand, createPeople, mailTo, waitForMessages, fleet } = context();
    const owner = await createBrand({ count: 3 });
    for (const [n, replica] of fleet.replicas.entries()) {
      const persons = createPeople(40);
      const id = await launchCampaign(owner, { name: `Rolling ${n}`, stages: STAGES, people: persons });
      await waitUntil("the first mail is sent", async () => mailTo(persons).length > 0);
      const ending = replica.stop();
      expect(mailTo(persons).length).toBeLessThan(120);
      expect(await ending).toBe(0);
      await replica.start();
      await waitForMessages(owner, id, (all) => all.length === 120 && all.every(({ status }) => status === "SENT"));
      expect(mailTo(persons)).toHaveLength(120);
      expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(120);
    }
  });

  test("replica killed while sending: its claims become unknown, other replicas continue, and no mail is sent twice", async () => {
    const { createBrand, createPeople, waitForMessages, expireClaims, fleet } = context();
    const slow = await startSmtpServer({ replyDelayMs: 100 });
    const mailTo = (persons: readonly { email: string }[]) =>
      slow.received.filter(({ to }) => persons.some(({ email }) => email === to));
    const [owner, persons] = [await createBrand({ count: 3, smtpPort: slow.port }), createPeople(40)];
    const id = await launchCampaign(owner, { name: "Killed", stages: STAGES, people: persons });
    await waitUntil("the first mail is sent", async () => slow.received.length > 0);
    const victim = fleet.replicas.at(-1);
    await victim?.kill();
    if (fleet.replicas.length > 1) {
      const before = mailTo(persons).length;
      await waitForMessages(owner, id, () => mailTo(persons).length > before || before === 120);
    }
    await victim?.start();
    let unknown = 0;
    for (let round = 0; round < STAGES.length + 1; round++) {
      await expireClaims();
      const messages = await waitForMessages(owner, id, (all) =>
        all.every((one) => one.status === "SENT" || isUnknown(one)),
      );
      unknown += messages.filter(isUnknown).length;
      const taken = new Set(mailTo(persons).map(({ messageId }) => messageId.slice(1, messageId.indexOf("@"))));
      for (const { id: messageId } of messages.filter(isUnknown)) {
        const as = taken.has(messageId) ? "SENT" : "NOT_SENT";
        await owner.ask("POST", `/api/campaigns/outcome-unknown/${messageId}/resolve`, { as });
      }
      if (messages.length === 120 && !messages.some(isUnknown)) break;
    }
    await waitForMessages(owner, id, (all) => all.length === 120 && all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(120);
    expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(120);
    expect(await getBrandBalance(owner)).toMatchObject({ totalReserved: 0, totalUsed: 120 });
    // With several replicas the killed one may have had no claim.
    expect(unknown).toBeGreaterThanOrEqual(REPLICAS === 1 ? 1 : 0);
    await slow.stop();
  });
}
