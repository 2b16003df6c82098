import { eq, inArray } from "drizzle-orm";
import { cancel } from "../../src/campaigns/lifecycle.ts";
import { HOUR, VirtualClock } from "../../src/clock.ts";
import { receive } from "../../src/conversations/inbound.ts";
import { verifyLedger } from "../../src/credits/verify.ts";
import { campaigns } from "../../src/db/schema/campaigns.ts";
import { conversations } from "../../src/db/schema/conversations.ts";
import { messages } from "../../src/db/schema/messages.ts";
import type { Store, Tx } from "../../src/db/store.ts";
import { createEngine, type Engine } from "../../src/delivery/engine.ts";
import { castLaunch } from "../../src/simulator/cast.ts";
import { startApp } from "./app.ts";
import { asking } from "./brands.ts";
import { ScriptedChannel } from "./scriptedChannel.ts";
import { castNewcomer, castStage, castTwin, type Stage, type Wishes } from "./stage.ts";

/** Monday, 09:00 UTC. */
const START = Date.UTC(2026, 10, 23, 9);
/** Step of the clock in `pass`; after each the engine sweeps and sends what is due. */
const STEP = 6 * HOUR;

export type Outreach = Awaited<ReturnType<typeof startOutreach>>;

/** Starts the app with a delivery engine, on a clock that tests advance, and a scripted channel. */
export async function startOutreach() {
  const clock = new VirtualClock(START);
  const channel = new ScriptedChannel();
  let wakes = 0;
  const app = await startApp({ clock, deps: { channel, wake: () => void wakes++ } });
  const { store, deps } = app;
  let brands = 0;

  /** Creates the engine of another process on the same database; `between` runs right after each of its commits. */
  const newEngine = (between = async (): Promise<void> => {}, steady = () => 0, its: Store = store): Engine =>
    createEngine({
      ...deps,
      steady,
      store: {
        ...its,
        async write(work) {
          const result = await its.write(work);
          await between();
          return result;
        },
      },
      publicUrl: deps.config.publicUrl,
      concurrency: 50,
      senderConcurrency: 50,
    });
  const engine = newEngine();

  /** Sends the messages that are due now, and settles their outcomes. */
  async function run(process = engine): Promise<void> {
    await process.runDue();
    await process.drain();
  }

  return {
    app,
    store,
    clock,
    channel,
    engine,
    run,
    newEngine,
    wakes: () => wakes,
    admin: async () => asking(app, await app.admin()),

    /** Advances the clock in steps, and sends what becomes due on the way. */
    async pass(milliseconds: number): Promise<void> {
      const until = clock.now() + milliseconds;
      while (clock.now() < until) {
        clock.set(Math.min(clock.now() + STEP, until));
        await engine.sweep();
        await run();
      }
    },

    /** Cancels all campaigns, so that no message of this test becomes due in the next. */
    async clear(): Promise<void> {
      const open = inArray(campaigns.status, ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"]);
      for (const campaign of await store.read.select().from(campaigns).where(open)) {
        await store.write((tx) => cancel(tx, campaign, null));
      }
      await run();
      channel.forget();
    },

    /** Creates a brand with a draft campaign. */
    stage: (wishes: Wishes = {}): Promise<Stage> => castStage(app, `brand${brands++}`, wishes),

    /** Creates a brand with a launched campaign. */
    async launched(wishes: Wishes = {}): Promise<Stage> {
      const stage = await this.stage(wishes);
      await this.launch(stage);
      return stage;
    },

    launch: (stage: Stage) => store.write((tx) => castLaunch(tx, stage, stage.people.length)),

    /** Copies the campaign as a draft with the same contacts. */
    twin: (stage: Stage): Promise<Stage> => store.write((tx) => castTwin(tx, stage)),

    /** Adds a contact to a campaign, launched or not. */
    join: (stage: Stage, email: string) => store.write((tx) => castNewcomer(tx, stage, email)),

    /** Records a reply of the campaign's first contact. */
    answer: (tx: Tx, { brandId, emails }: Stage, text: string, headers: Record<string, string> = {}) =>
      receive(
        tx,
        {
          brandId,
          channel: "EMAIL",
          providerId: tx.newId(),
          from: emails[0] ?? "",
          answers: [],
          subject: "Re: Hello",
          text,
          headers,
        },
        deps.config,
      ),

    messagesOf: (campaignId: string) =>
      store.read
        .select()
        .from(messages)
        .where(eq(messages.campaignId, campaignId))
        .orderBy(messages.stage, messages.id),

    async campaignOf(campaignId: string) {
      const [row] = await store.read.select().from(campaigns).where(eq(campaigns.id, campaignId));
      return row;
    },

    /** Returns the conversations of a campaign, in the order their contacts joined. */
    conversationsOf: (campaignId: string) =>
      store.read.select().from(conversations).where(eq(conversations.campaignId, campaignId)).orderBy(conversations.id),

    /** Returns the balances that differ from the sum of their ledger entries. */
    drifts: async () => (await verifyLedger(store.read)).drifts,

    close: () => app.close(),
  };
}
