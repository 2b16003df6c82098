import { expect, test } from "bun:test";
import { balanceOf, launchCampaign } from "../campaign.ts";
import { REPLICAS } from "../fleet.ts";
import { startSmtpServer } from "../smtpServer.ts";
import { until } from "../throwaway.ts";
import { isUnknown } from "./failing.ts";
import type { Ground } from "./ground.ts";

const STAGES = [{ subject: "Hello", body: "One" }, { body: "Two" }, { body: "Three" }];

/** Restarts and kills of processes while they send. */
export function restartingCases(ground: () => Ground): void {
  test("rolling restart while sending: no message is lost and no outcome is unknown", async () => {
    const { brand, people, mailTo, whenMessages, fleet } = ground();
    const owner = await brand({ count: 3 });
    for (const [n, replica] of fleet.replicas.entries()) {
      const persons = people(40);
      const id = await launchCampaign(owner, { name: `Rolling ${n}`, stages: STAGES, people: persons });
      await until("the first mail is sent", async () => mailTo(persons).length > 0);
      const ending = replica.stop();
      expect(mailTo(persons).length).toBeLessThan(120);
      expect(await ending).toBe(0);
      await replica.start();
      await whenMessages(owner, id, (all) => all.length === 120 && all.every(({ status }) => status === "SENT"));
      expect(mailTo(persons)).toHaveLength(120);
      expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(120);
    }
  });

  test("replica killed while sending: its claims become unknown, other replicas continue, and no mail is sent twice", async () => {
    const { brand, people, whenMessages, endClaims, fleet } = ground();
    const slow = await startSmtpServer({ thinks: 100 });
    const mailTo = (persons: readonly { email: string }[]) =>
      slow.received.filter(({ to }) => persons.some(({ email }) => email === to));
    const [owner, persons] = [await brand({ count: 3, smtpPort: slow.port }), people(40)];
    const id = await launchCampaign(owner, { name: "Killed", stages: STAGES, people: persons });
    await until("the first mail is sent", async () => slow.received.length > 0);
    const victim = fleet.replicas.at(-1);
    await victim?.kill();
    if (fleet.replicas.length > 1) {
      const before = mailTo(persons).length;
      await whenMessages(owner, id, () => mailTo(persons).length > before || before === 120);
    }
    await victim?.start();
    let unknown = 0;
    for (let round = 0; round < STAGES.length + 1; round++) {
      await endClaims();
      const messages = await whenMessages(owner, id, (all) =>
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
    await whenMessages(owner, id, (all) => all.length === 120 && all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(120);
    expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(120);
    expect(await balanceOf(owner)).toMatchObject({ totalReserved: 0, totalUsed: 120 });
    // With several replicas the killed one may have had no claim.
    expect(unknown).toBeGreaterThanOrEqual(REPLICAS === 1 ? 1 : 0);
    await slow.stop();
  });
}
