import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { dialect } from "../../../src/db/dialect.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { assignMailboxes } from "../../../src/modules/senders/assignment.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

/**
 * Records, with a trigger in the database, every claim of a message whose mailbox belongs to another brand at that
 * time.
 */
const RECORD_WRONG_CLAIMS =
  dialect === "postgres"
    ? [
        "create table wrong_claims (id text)",
        `create function witness() returns trigger language plpgsql as $$ begin
          insert into wrong_claims select new.id from email_accounts e where e.id = new.sender_id and e.brand_id is distinct from new.brand_id;
          return new; end $$`,
        "create trigger witness after update on messages for each row when (new.status = 'SENDING') execute function witness()",
      ]
    : [
        "create table wrong_claims (id text)",
        `create trigger witness after update on messages when new.status = 'SENDING' begin
          insert into wrong_claims select new.id from email_accounts e where e.id = new.sender_id and e.brand_id is not new.brand_id;
          end`,
      ];

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
  await world.store.write(async (tx) => {
    for (const statement of RECORD_WRONG_CLAIMS) await tx.all(sql.raw(statement));
  });
});
afterAll(() => world.close());

test("mailbox assignment during claims of two engines: no claim uses another brand's mailbox, and each message is sent once", async () => {
  for (let round = 0; round < 20; round++) {
    world.channel.reset();
    const [from, to] = await Promise.all([
      world.createLaunched({ mailboxes: 2, people: 60, delays: [0], dailyLimit: 1000 }),
      world.createLaunched({ mailboxes: 1, people: 60, delays: [0], dailyLimit: 1000 }),
    ]);
    const boxes = await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, from.brandId));
    const moving = boxes.map(({ id }) => id).slice(0, 1 + (round % 2));
    const moves = (async () => {
      for (let step = 0; step < 8; step++) {
        const { brandId } = step % 2 === 0 ? to : from;
        await world.store.write((tx) => assignMailboxes(tx, moving, brandId));
        await Bun.sleep(step % 3);
      }
    })();
    await Promise.all([world.run(), world.run(world.newEngine()), moves]);
    await world.run();
    // Send what waited for the mailboxes, which are back at their first brand after the last move.
    expect(world.channel.sent).toHaveLength(120);
    expect(new Set(world.channel.recipients).size).toBe(120);
    const sent = [...(await world.listMessages(from.campaignId)), ...(await world.listMessages(to.campaignId))];
    expect(sent.filter(({ status }) => status !== "SENT")).toEqual([]);
  }
  expect(await world.store.read.all(sql`select * from wrong_claims`)).toEqual([]);
  expect(await world.listDrifts()).toEqual([]);
});

test("mailbox assignment: 20,000 messages and conversations of a moved mailbox are divided evenly among the remaining mailboxes", async () => {
  const [from, to] = [await world.createLaunched({ mailboxes: 3, people: 2, delays: [0] }), await world.createDraft()];
  const [gone, ...left] = (
    await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, from.brandId))
  ).map(({ id }) => id);
  const { brandId, campaignId, people } = from;
  // Copy one message 20,000 times, each copy in a conversation of its own and assigned to the mailbox that moves.
  const numbers = sql.raw(
    dialect === "postgres"
      ? "generate_series(1, 20000) as n(i)"
      : "(with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select i from n) as n",
  );
  await world.store.write(async (tx) => {
    await tx.all(sql`insert into contacts (id, brand_id, email, custom, created_at, updated_at)
      select 'p' || i, ${brandId}, 'p' || i || '@many.example', ${sql.raw("'{}'")}, 0, 0 from ${numbers}`);
    await tx.all(sql`insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, sender_id, unread, created_at, updated_at)
      select 'v' || i, ${brandId}, ${campaignId}, 'p' || i, 'AUTO', 'ACTIVE', ${gone ?? ""}, ${sql.raw("false")}, 0, 0 from ${numbers}`);
    await tx.all(sql`insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, sender_id, fence, attempts, credits, created_at)
      select 'm' || i, ${brandId}, ${campaignId}, 'v' || i, ${people[0] ?? ""}, 1, 'EMAIL', 'PENDING', 9e12, 9e12, ${gone ?? ""}, 0, 0, 0, 0 from ${numbers}`);
  });
  const started = performance.now();
  await world.store.write((tx) => assignMailboxes(tx, [gone ?? ""], to.brandId));
  const took = performance.now() - started;
  console.log(`20,000 messages reassigned in ${Math.round(took)} ms`);
  for (const table of ["messages", "conversations"]) {
    const counts = await world.store.read.all<{
      sender_id: string;
      count: number;
    }>(sql`select sender_id, count(*) as count
      from ${sql.raw(table)} where campaign_id = ${campaignId} and id in (select 'm' || i from ${numbers} union all select 'v' || i from ${numbers}) group by sender_id`);
    expect(counts.map((row) => row.sender_id).sort()).toEqual(left.sort());
    expect(counts.map((row) => Number(row.count))).toEqual([10_000, 10_000]);
  }
});
