import { eq, inArray } from "drizzle-orm";
import type { AnyElysia } from "elysia";
import { banRoutes } from "../../src/bans/routes.ts";
import { campaignOf, cancel, openConversations } from "../../src/campaigns/lifecycle.ts";
import { lifecycleRoutes } from "../../src/campaigns/lifecycleRoutes.ts";
import { memberStateRoutes } from "../../src/campaigns/memberStateRoutes.ts";
import { HOUR, VirtualClock } from "../../src/clock.ts";
import type { JudgedRow } from "../../src/contacts/person.ts";
import { receive } from "../../src/conversations/inbound.ts";
import { conversationRoutes } from "../../src/conversations/routes.ts";
import { unsubscribeRoutes } from "../../src/conversations/unsubscribeRoutes.ts";
import { creditAdminRoutes } from "../../src/credits/admin/routes.ts";
import { creditRoutes } from "../../src/credits/routes.ts";
import { verifyLedger } from "../../src/credits/verify.ts";
import { contacts } from "../../src/db/schema/brands.ts";
import { campaignSenders, campaignSteps, campaigns, conversations } from "../../src/db/schema/campaigns.ts";
import { messages } from "../../src/db/schema/messages.ts";
import type { Tx } from "../../src/db/store.ts";
import { createEngine, type Engine } from "../../src/delivery/engine.ts";
import { followUpRoutes } from "../../src/delivery/followUpRoutes.ts";
import { deliveryRoutes } from "../../src/delivery/routes.ts";
import type { Deps } from "../../src/deps.ts";
import { type BrandPlan, castBrand, castContacts, castLaunch } from "../../src/simulator/cast.ts";
import { startApp } from "./app.ts";
import { asking, type Owner } from "./brands.ts";
import { ScriptedChannel } from "./scriptedChannel.ts";
import { idOf } from "./visitors.ts";

/** A Monday morning. */
const START = Date.UTC(2026, 10, 23, 9);
/** Within one, every backoff, window and cap of these tests has passed. */
const STEP = 6 * HOUR;

const rooms = (deps: Deps): AnyElysia[] => [
  banRoutes(deps),
  creditRoutes(deps),
  creditAdminRoutes(deps),
  lifecycleRoutes(deps),
  memberStateRoutes(deps),
  conversationRoutes(deps),
  unsubscribeRoutes(deps),
  deliveryRoutes(deps),
  followUpRoutes(deps),
];

export type Outreach = Awaited<ReturnType<typeof startOutreach>>;

/** A brand with an owner who asks, and a draft campaign with people in it. */
export interface Stage extends Owner {
  campaignId: string;
  /** The contacts, in the order they joined: their ids and addresses. */
  people: string[];
  emails: string[];
}

export interface Wishes {
  people?: number;
  credits?: number;
  /** Days before each stage. */
  delays?: number[];
  dailyLimit?: number;
  mailboxes?: number;
  sendWindows?: BrandPlan["campaign"]["sendWindows"];
}

const person = (email: string, index: number): JudgedRow => ({
  verdict: "ok",
  contact: {
    email,
    phone: null,
    firstName: `Name${index}`,
    lastName: null,
    company: null,
    timezone: null,
    custom: {},
  },
});

/** The program with its engine, on a clock that stands still, and a provider that does as it is told. */
export async function startOutreach() {
  const clock = new VirtualClock(START);
  const channel = new ScriptedChannel();
  let wakes = 0;
  const app = await startApp({ clock, rooms, deps: { channel, wake: () => void wakes++ } });
  const { store, deps } = app;
  let brands = 0;

  /** Another process on the same database; `between` is done after each of its commits, before anything else. */
  const newEngine = (between = async (): Promise<void> => {}): Engine =>
    createEngine({
      ...deps,
      store: {
        ...store,
        async write(work) {
          const result = await store.write(work);
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
    async stage(wishes: Wishes = {}): Promise<Stage> {
      const { people = 2, credits = 100, delays = [0, 2], dailyLimit = 100, mailboxes = 1, sendWindows = [] } = wishes;
      const name = `brand${brands++}`;
      const token = await app.signUp(`owner@${name}.example`);
      const ownerId = await idOf(app, token);
      const brand = await store.write((tx) =>
        castBrand(tx, {
          name,
          ownerId,
          credits,
          timezone: "UTC",
          postalAddress: "1 Main Street, Springfield",
          mailboxes: Array.from({ length: mailboxes }, (_, index) => ({
            email: `box${index}@${name}.example`,
            displayName: name,
            dailyLimit,
          })),
          campaign: {
            name: `${name} spring`,
            sendWindows,
            steps: delays.map((delayDays, stage) => ({
              delayDays,
              subject: stage === 0 ? "Hello {{ firstName }}" : null,
              body: `Stage ${stage} for {{ firstName }}`,
            })),
          },
        }),
      );
      const addresses = Array.from({ length: people }, (_, index) => `person${index}@${name}.example`);
      await store.write((tx) => castContacts(tx, brand, addresses.map(person)));
      const joined = await store.read
        .select({ id: contacts.id, email: contacts.email })
        .from(contacts)
        .innerJoin(conversations, eq(conversations.contactId, contacts.id))
        .where(eq(contacts.brandId, brand.brandId))
        .orderBy(contacts.id);
      return {
        token,
        ...brand,
        people: joined.map(({ id }) => id),
        emails: joined.map(({ email }) => email ?? ""),
        request: asking(app, token),
      };
    },

    /** As `stage`, and launched. */
    async launched(wishes: Wishes = {}): Promise<Stage> {
      const stage = await this.stage(wishes);
      await this.launch(stage);
      return stage;
    },

    launch: (stage: Stage) => store.write((tx) => castLaunch(tx, stage, stage.people.length)),

    /** A second draft of the same brand, for the same people. */
    async twin(stage: Stage): Promise<Stage> {
      const campaignId = await store.write(async (tx) => {
        const id = tx.newId();
        const of = stage.campaignId;
        const copies = <Row>(rows: Row[], more: (row: Row) => object) => rows.map((row) => ({ ...row, ...more(row) }));
        const drafts = await tx.select().from(campaigns).where(eq(campaigns.id, of));
        await tx.insert(campaigns).values(copies(drafts, () => ({ id, status: "DRAFT", launchedAt: null })));
        const steps = await tx.select().from(campaignSteps).where(eq(campaignSteps.campaignId, of));
        await tx.insert(campaignSteps).values(copies(steps, () => ({ campaignId: id })));
        const senders = await tx.select().from(campaignSenders).where(eq(campaignSenders.campaignId, of));
        await tx.insert(campaignSenders).values(copies(senders, () => ({ campaignId: id })));
        const members = await tx.select().from(conversations).where(eq(conversations.campaignId, of));
        await tx
          .insert(conversations)
          .values(copies(members, () => ({ campaignId: id, id: tx.newId(), status: "QUEUED" })));
        return id;
      });
      return { ...stage, campaignId };
    },

    /** Lets somebody join a campaign that was launched. */
    join: ({ brandId, campaignId }: Stage, email: string) =>
      store.write(async (tx) => {
        await castContacts(tx, { brandId, campaignId }, [person(email, 0)]);
        await openConversations(tx, await campaignOf(tx, campaignId, brandId));
      }),

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
