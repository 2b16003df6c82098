import { eq, inArray } from "drizzle-orm";
import { campaigns } from "../../src/db/schema/campaigns.ts";
import { conversations } from "../../src/db/schema/conversations.ts";
import { messages } from "../../src/db/schema/messages.ts";
import type { Store, Tx } from "../../src/db/store.ts";
import { HOUR, VirtualClock } from "../../src/lib/clock.ts";
import { cancel } from "../../src/modules/campaigns/lifecycle.ts";
import { verifyLedger } from "../../src/modules/credits/verify.ts";
import { createEngine, type Engine } from "../../src/modules/delivery/engine.ts";
import { receiveInbound } from "../../src/modules/inbox/inbound.ts";
import { launchSeededCampaign } from "../../src/simulator/seed.ts";
import { startApp } from "./app.ts";
import { requestAs } from "./brands.ts";
import {
  addCampaignMember,
  type CampaignFixture,
  copyDraftCampaign,
  createCampaignFixture,
  type FixtureOptions,
} from "./campaign-fixture.ts";
import { ScriptedChannel } from "./scripted-channel.ts";

/** Monday, 09:00 UTC. */
const START = Date.UTC(2026, 10, 23, 9);
/** Step of the clock in `pass`; after each the engine sweeps and sends what is due. */
const STEP = 6 * HOUR;

export type OutreachApp = Awaited<ReturnType<typeof startOutreachApp>>;

/** Starts the app with a delivery engine, on a clock that tests advance, and a scripted channel. */
export async function startOutreachApp() {
  const clock = new VirtualClock(START);
  const channel = new ScriptedChannel();
  let wakes = 0;
  const app = await startApp({ clock, deps: { channel, wake: () => void wakes++ } });
  const { store, deps } = app;
  let brands = 0;

  /** Creates the engine of another process on the same database; `between` runs right after each of its commits. */
  const newEngine = (between = async (): Promise<void> => {}, monotonicMs = () => 0, its: Store = store): Engine =>
    createEngine({
      ...deps,
      monotonicMs,
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
    countWakes: () => wakes,
    admin: async () => requestAs(app, await app.admin()),

    /** Advances the clock in steps, and sends what becomes due on the way. */
    async advanceClock(milliseconds: number): Promise<void> {
      const until = clock.now() + milliseconds;
      while (clock.now() < until) {
        clock.set(Math.min(clock.now() + STEP, until));
        await engine.sweep();
        await run();
      }
    },

    /** Cancels all campaigns, so that no message of this test becomes due in the next. */
    async cancelAllCampaigns(): Promise<void> {
      const open = inArray(campaigns.status, ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"]);
      for (const campaign of await store.read.select().from(campaigns).where(open)) {
        await store.write((tx) => cancel(tx, campaign, null));
      }
      await run();
      channel.reset();
    },

    /** Creates a brand with a draft campaign. */
    createDraft: (wishes: FixtureOptions = {}): Promise<CampaignFixture> =>
      createCampaignFixture(app, `brand${brands++}`, wishes),

    /** Creates a brand with a launched campaign. */
    async createLaunched(wishes: FixtureOptions = {}): Promise<CampaignFixture> {
      const stage = await this.createDraft(wishes);
      await this.launch(stage);
      return stage;
    },

    launch: (stage: CampaignFixture) => store.write((tx) => launchSeededCampaign(tx, stage, stage.people.length)),

    /** Copies the campaign as a draft with the same contacts. */
    copyDraft: (stage: CampaignFixture): Promise<CampaignFixture> => store.write((tx) => copyDraftCampaign(tx, stage)),

    /** Adds a contact to a campaign, launched or not. */
    addMember: (stage: CampaignFixture, email: string) => store.write((tx) => addCampaignMember(tx, stage, email)),

    /** Records a reply of the campaign's first contact. */
    recordReply: (tx: Tx, { brandId, emails }: CampaignFixture, text: string, headers: Record<string, string> = {}) =>
      receiveInbound(
        tx,
        {
          brandId,
          channel: "EMAIL",
          providerId: tx.newId(),
          from: emails[0] ?? "",
          repliesTo: [],
          subject: "Re: Hello",
          text,
          headers,
        },
        deps.config,
      ),

    listMessages: (campaignId: string) =>
      store.read
        .select()
        .from(messages)
        .where(eq(messages.campaignId, campaignId))
        .orderBy(messages.stage, messages.id),

    async getCampaign(campaignId: string) {
      const [row] = await store.read.select().from(campaigns).where(eq(campaigns.id, campaignId));
      return row;
    },

    /** Returns the conversations of a campaign, in the order their contacts joined. */
    listConversations: (campaignId: string) =>
      store.read.select().from(conversations).where(eq(conversations.campaignId, campaignId)).orderBy(conversations.id),

    /** Returns the balances that differ from the sum of their ledger entries. */
    listDrifts: async () => (await verifyLedger(store.read)).drifts,

    close: () => app.close(),
  };
}
