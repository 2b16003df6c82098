import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DAY } from "../src/clock.ts";
import { balanceOf } from "../src/credits/statement.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import type { Stage } from "./support/stage.ts";

setDefaultTimeout(60_000);

let world: Outreach;
beforeAll(async () => {
  world = await startOutreach();
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const post = (stage: Stage, campaignId: string, action: string, body?: unknown) =>
  stage.request("POST", `/api/campaigns/${campaignId}/${action}`, body);
const act = (stage: Stage, action: string, body?: unknown) => post(stage, stage.campaignId, action, body);
const launch = (stage: Stage, confirmContacts = stage.people.length) => act(stage, "launch", { confirmContacts });
const member = (stage: Stage, action: string, index = 0) =>
  act(stage, `${action}-contact`, { contactId: stage.people[index] });
const memberStatuses = async ({ campaignId }: Stage) =>
  (await world.conversationsOf(campaignId)).map(({ status }) => status);
const statuses = async ({ campaignId }: Stage) =>
  (await world.messagesOf(campaignId)).map(({ status, errorMessage }) => errorMessage ?? status);

describe("contact of a campaign", () => {
  test("pause and resume affect this contact only", async () => {
    const stage = await world.launched({ people: 2 });
    const contactId = stage.people[0];
    expect(await member(stage, "pause")).toMatchObject({ status: 200, body: { status: "PAUSED", contactId } });
    expect((await member(stage, "pause")).status).toBe(409);
    await world.pass(DAY);
    expect(world.channel.recipients).toEqual([stage.emails[1] ?? ""]);
    expect(await memberStatuses(stage)).toEqual(["PAUSED", "ACTIVE"]);
    expect(await member(stage, "resume")).toMatchObject({ status: 200, body: { status: "QUEUED" } });
    expect((await member(stage, "resume")).status).toBe(409);
    await world.run();
    expect(world.channel.sent).toHaveLength(2);

    expect(await member(stage, "pause")).toMatchObject({ body: { status: "PAUSED" } });
    expect(await member(stage, "resume")).toMatchObject({ body: { status: "ACTIVE" } });
    await world.pass(3 * DAY);
    expect(world.channel.sent).toHaveLength(4);
  });

  test("paused before the launch: is not launched with the campaign and joins when resumed", async () => {
    const stage = await world.stage({ people: 2 });
    await member(stage, "pause", 1);
    expect(await launch(stage, 1)).toMatchObject({ status: 200, body: { creditReserved: 1 } });
    await world.run();
    expect(await member(stage, "resume", 1)).toMatchObject({ status: 200 });
    await world.run();
    expect(world.channel.recipients).toEqual(stage.emails);
  });

  test("resumed in a paused campaign: receives nothing until the campaign resumes", async () => {
    const stage = await world.launched({ people: 1 });
    await member(stage, "pause");
    await act(stage, "pause");
    await member(stage, "resume");
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(0);
    await act(stage, "resume");
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
  });

  test("remove cancels the pending messages of this contact only, and refunds them", async () => {
    const stage = await world.launched({ people: 2 });
    expect(await member(stage, "remove")).toMatchObject({
      status: 200,
      body: { status: "REMOVED", cancelledMessages: 1 },
    });
    expect(await member(stage, "remove")).toMatchObject({
      status: 200,
      body: { status: "REMOVED", cancelledMessages: 0 },
    });
    expect((await statuses(stage)).sort()).toEqual(["CONTACT_REMOVED", "PENDING"]);
    expect(await balanceOf(world.store.read, stage.brandId)).toMatchObject({ totalReserved: 1, creditAvailable: 99 });
    for (const action of ["pause", "resume"]) expect((await member(stage, action)).status).toBe(409);
    await world.pass(3 * DAY);
    expect(world.channel.recipients).toEqual([stage.emails[1] ?? "", stage.emails[1] ?? ""]);
  });

  test("pause, resume and remove answer 404 for a contact of another campaign", async () => {
    const [stage, stranger] = [await world.stage({ people: 1 }), await world.stage({ people: 1 })];
    for (const action of ["pause", "resume", "remove"]) {
      const body = { contactId: stranger.people[0] };
      expect((await act(stage, `${action}-contact`, body)).status).toBe(404);
    }
  });
});
