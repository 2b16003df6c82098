import { eq, inArray } from "drizzle-orm";
import type { AnyElysia } from "elysia";
import { banRoutes } from "../../src/bans/routes.ts";
import { brandAdminRoutes } from "../../src/brands/adminRoutes.ts";
import { campaignContentRoutes } from "../../src/campaigns/contentRoutes.ts";
import { costRoutes } from "../../src/campaigns/costRoutes.ts";
import { cancel } from "../../src/campaigns/lifecycle.ts";
import { lifecycleRoutes } from "../../src/campaigns/lifecycleRoutes.ts";
import { memberStateRoutes } from "../../src/campaigns/memberStateRoutes.ts";
import { campaignRoutes } from "../../src/campaigns/routes.ts";
import { HOUR, VirtualClock } from "../../src/clock.ts";
import { contactRoutes } from "../../src/contacts/routes.ts";
import { receive } from "../../src/conversations/inbound.ts";
import { conversationRoutes } from "../../src/conversations/routes.ts";
import { unsubscribeRoutes } from "../../src/conversations/unsubscribeRoutes.ts";
import { ledgerRoutes } from "../../src/credits/admin/ledgerRoutes.ts";
import { creditOverviewRoutes } from "../../src/credits/admin/overviewRoutes.ts";
import { creditAdminRoutes } from "../../src/credits/admin/routes.ts";
import { creditRoutes } from "../../src/credits/routes.ts";
import { verifyLedger } from "../../src/credits/verify.ts";
import { campaigns } from "../../src/db/schema/campaigns.ts";
import { conversations } from "../../src/db/schema/conversations.ts";
import { messages } from "../../src/db/schema/messages.ts";
import type { Store, Tx } from "../../src/db/store.ts";
import { createEngine, type Engine } from "../../src/delivery/engine.ts";
import { followUpRoutes } from "../../src/delivery/followUpRoutes.ts";
import { deliveryRoutes } from "../../src/delivery/routes.ts";
import type { Deps } from "../../src/deps.ts";
import { grantRoutes } from "../../src/payments/grantRoutes.ts";
import { paymentRoutes } from "../../src/payments/routes.ts";
import { assignmentRoutes } from "../../src/senders/admin/assignmentRoutes.ts";
import { senderRoutes } from "../../src/senders/routes.ts";
import { castLaunch } from "../../src/simulator/cast.ts";
import { startApp } from "./app.ts";
import { asking } from "./brands.ts";
import { ScriptedChannel } from "./scriptedChannel.ts";
import { castNewcomer, castStage, castTwin, type Stage, type Wishes } from "./stage.ts";

/** A Monday morning. */
const START = Date.UTC(2026, 10, 23, 9);
/** How far time goes at once when it passes: a sweep and a look at what is due follow. */
const STEP = 6 * HOUR;

const rooms = (deps: Deps): AnyElysia[] => [
  brandAdminRoutes(deps),
  banRoutes(deps),
  creditRoutes(deps),
  creditAdminRoutes(deps),
  ledgerRoutes(deps),
  costRoutes(deps),
  creditOverviewRoutes(deps),
  grantRoutes(deps),
  paymentRoutes(deps),
  campaignRoutes(deps),
  lifecycleRoutes(deps),
  memberStateRoutes(deps),
  conversationRoutes(deps),
  unsubscribeRoutes(deps),
  deliveryRoutes(deps),
  followUpRoutes(deps),
  senderRoutes(deps),
  assignmentRoutes(deps),
  campaignContentRoutes(deps),
  contactRoutes(deps),
];

export type Outreach = Awaited<ReturnType<typeof startOutreach>>;

/** The program with its engine, on a clock that stands still, and a provider that does as it is told. */
export async function startOutreach() {
  const clock = new VirtualClock(START);
  const channel = new ScriptedChannel();
  let wakes = 0;
  const app = await startApp({ clock, rooms, deps: { channel, wake: () => void wakes++ } });
  const { store, deps } = app;
  let brands = 0;

  /** Another process on the same database; `between` is done after each of its commits, before anything else. */
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

  /** Sends what is due now, and settles what comes back. */
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

    /** Lets time pass, and what becomes due on the way leave. */
    async pass(milliseconds: number): Promise<void> {
      const until = clock.now() + milliseconds;
      while (clock.now() < until) {
        clock.set(Math.min(clock.now() + STEP, until));
        await engine.sweep();
        await run();
      }
    },

    /** Ends all campaigns, so that nothing of a test that is over becomes due in the next one. */
    async clear(): Promise<void> {
      const open = inArray(campaigns.status, ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"]);
      for (const campaign of await store.read.select().from(campaigns).where(open)) {
        await store.write((tx) => cancel(tx, campaign, null));
      }
      await run();
      channel.forget();
    },

    /** Opens a brand with a draft campaign; nobody has been written to. */
    stage: (wishes: Wishes = {}): Promise<Stage> => castStage(app, `brand${brands++}`, wishes),

    /** As `stage`, and launched. */
    async launched(wishes: Wishes = {}): Promise<Stage> {
      const stage = await this.stage(wishes);
      await this.launch(stage);
      return stage;
    },

    launch: (stage: Stage) => store.write((tx) => castLaunch(tx, stage, stage.people.length)),

    /** A second draft of the same brand, for the same people. */
    twin: (stage: Stage): Promise<Stage> => store.write((tx) => castTwin(tx, stage)),

    /** Lets somebody join a campaign, launched or not. */
    join: (stage: Stage, email: string) => store.write((tx) => castNewcomer(tx, stage, email)),

    /** What the first contact of a stage writes back. */
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

    /** The conversations of a campaign, in the order their contacts joined. */
    conversationsOf: (campaignId: string) =>
      store.read.select().from(conversations).where(eq(conversations.campaignId, campaignId)).orderBy(conversations.id),

    /** Empty when every balance is the fold of its entries. */
    drifts: async () => (await verifyLedger(store.read)).drifts,

    close: () => app.close(),
  };
}
