import { expect, test } from "bun:test";
import { balanceOf, launchCampaign } from "../campaign.ts";
import { isUnknown } from "./failing.ts";
import type { Ground } from "./ground.ts";

const STAGES = [{ subject: "Hello", body: "One" }, { body: "Two" }, { body: "Three" }];

/** Processes come and go while they send. */
export function restartingCases(ground: () => Ground): void {
  test("each asked to stop in turn while it sends: nothing is lost, nothing is unknown", async () => {
    const { brand, people, mailTo, whenMessages, fleet } = ground();
    const [owner, persons] = [await brand({ count: 3 }), people(70)];
    const id = await launchCampaign(owner, { name: "Rolling", stages: STAGES, people: persons });
    for (const replica of fleet.replicas) {
      await whenMessages(owner, id, (all) => all.some(({ status }) => status === "SENT"));
      expect(await replica.stop()).toBe(0);
      await replica.start();
    }
    const messages = await whenMessages(
      owner,
      id,
      (all) =>
        all.length === 210 &&
        all.every(({ status, errorMessage }) => status === "SENT" || errorMessage === "OUTCOME_UNKNOWN"),
    );
    expect(messages.filter(isUnknown)).toEqual([]);
    expect(mailTo(persons)).toHaveLength(210);
    expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(210);
  });

  test("one killed while it sends: its claims end as unknown, the others go on, and nobody is written to twice", async () => {
    const { brand, people, mailTo, whenMessages, endClaims, fleet } = ground();
    const [owner, persons] = [await brand({ count: 3 }), people(70)];
    const id = await launchCampaign(owner, { name: "Killed", stages: STAGES, people: persons });
    await whenMessages(owner, id, (all) => all.some(({ status }) => status === "SENT"));
    const victim = fleet.replicas.at(-1);
    await victim?.kill();
    if (fleet.replicas.length > 1) {
      const before = mailTo(persons).length;
      await whenMessages(owner, id, () => mailTo(persons).length > before || before === 210);
    }
    await victim?.start();
    for (let round = 0; round < STAGES.length + 1; round++) {
      await endClaims();
      const messages = await whenMessages(owner, id, (all) =>
        all.every((one) => one.status === "SENT" || isUnknown(one)),
      );
      const taken = new Set(mailTo(persons).map(({ messageId }) => messageId.slice(1, messageId.indexOf("@"))));
      for (const { id: messageId } of messages.filter(isUnknown)) {
        const as = taken.has(messageId) ? "SENT" : "NOT_SENT";
        await owner.ask("POST", `/api/campaigns/outcome-unknown/${messageId}/resolve`, { as });
      }
      if (messages.length === 210 && !messages.some(isUnknown)) break;
    }
    await whenMessages(owner, id, (all) => all.length === 210 && all.every(({ status }) => status === "SENT"));
    expect(mailTo(persons)).toHaveLength(210);
    expect(new Set(mailTo(persons).map(({ messageId }) => messageId)).size).toBe(210);
    expect(await balanceOf(owner)).toMatchObject({ totalReserved: 0, totalUsed: 210 });
  });
}
