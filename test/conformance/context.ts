import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { openStore } from "../../src/db/open.ts";
import { findTallyMismatches } from "../../src/modules/messages/tally-mismatches.ts";
import {
  createReadyBrand,
  listCampaignMessages,
  type MessageView,
  type ReadyBrand,
  type ReadyBrandOptions,
} from "../support/api-campaign.ts";
import { type Fleet, REPLICAS, startFleet } from "../support/fleet.ts";
import { type ReceivedMail, startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";

/** Program in the size of this pass, and a mail server outside it that records what really arrived. */
export interface ConformanceContext {
  fleet: Fleet;
  admin: string;
  smtpServer: TestSmtpServer;
  /** Creates a brand with `count` mailboxes, at this mail server unless `order` names another. */
  createBrand(order?: Partial<ReadyBrandOptions> & { count?: number }): Promise<ReadyBrand>;
  /** Returns contacts that no other case uses. */
  createPeople(count: number): { email: string; firstName: string }[];
  /** Returns the mails that arrived for these contacts, oldest first. */
  mailTo(people: readonly { email: string }[]): ReceivedMail[];
  /** Makes every scheduled message of a campaign due now. */
  bringForward(brand: ReadyBrand, campaignId: string): Promise<void>;
  /** Ends the lease of every claimed message, which takes five minutes by itself. */
  expireClaims(): Promise<void>;
  /** Waits until the messages of a campaign satisfy `holds`; returns them. */
  waitForMessages(
    brand: ReadyBrand,
    campaignId: string,
    holds: (messages: MessageView[]) => boolean,
  ): Promise<MessageView[]>;
  /** Waits until no replica sends anything. */
  waitUntilIdle(): Promise<void>;
  /** Asserts that the ledger, the tallies and the queue counts of every replica agree with the messages. */
  expectConsistent(): Promise<void>;
  close(): Promise<void>;
}

interface QueueStats {
  waiting: number;
  active: number;
  completed: number;
  failed: number;
}

/** Limit of each wait: longer than any case takes when all is well. */
const WAIT_TIMEOUT_MS = 25_000;

export async function createConformanceContext(): Promise<ConformanceContext> {
  const smtpServer = await startSmtpServer({ hesitates: () => Math.random() * 10, thinks: () => Math.random() * 10 });
  const args = Array.from({ length: REPLICAS }, () => []);
  const env = { SMTP_ALLOW_PRIVATE_HOSTS: "true", CLIENT_ADDRESS_HEADER: "x-client-address" };
  const fleet = await startFleet({ args, env });
  const admin = await fleet.admin();
  const dataDir = join(fleet.replicas[0]?.folder ?? "", "data");
  let brands = 0;
  let persons = 0;

  /** Runs a statement on the database, past the program. */
  async function runSql(statement: string): Promise<void> {
    if (fleet.databaseUrl === null) {
      const file = new Database(join(dataDir, "reprise.db"));
      file.run("pragma busy_timeout = 10000");
      file.run(statement);
      file.close();
    } else {
      const client = postgres(fleet.databaseUrl, { max: 1 });
      await client.unsafe(statement).finally(() => client.end());
    }
  }

  /** Returns the queue counts of each replica. */
  const stats = () =>
    Promise.all(
      fleet.replicas.map(
        async ({ api }) => (await api<{ queueStats: QueueStats }>("GET", "/api/health/queue")).body.queueStats,
      ),
    );

  const context: ConformanceContext = {
    fleet,
    admin,
    smtpServer,
    createBrand({ count = 2, ...order } = {}) {
      const number = ++brands;
      const mailboxes = Array.from({ length: count }, (_, n) => `m${n}@brand${number}.example`);
      return createReadyBrand(fleet, admin, {
        name: `B${number}`,
        smtpPort: smtpServer.port,
        mailboxes,
        credits: 10_000,
        ...order,
      });
    },
    createPeople: (count) =>
      Array.from({ length: count }, () => ({ email: `p${++persons}@client.example`, firstName: "Jo" })),
    mailTo(people) {
      const theirs = new Set(people.map(({ email }) => email));
      return smtpServer.received.filter(({ to }) => theirs.has(to));
    },
    async bringForward({ ask, senderIds }, campaignId) {
      await runSql(`update messages set run_at = 1 where campaign_id = '${campaignId}' and status = 'PENDING'
        and run_at < 8640000000000000`);
      // A change of the campaign wakes the engine.
      await ask("PUT", `/api/campaigns/${campaignId}/senders`, { emailAccountIds: senderIds });
    },
    expireClaims: () => runSql("update messages set lease_until = 0 where status = 'SENDING'"),
    async waitForMessages(brand, campaignId, holds) {
      let messages: MessageView[] = [];
      const asked = async () => {
        messages = await listCampaignMessages(brand, campaignId);
        return holds(messages);
      };
      await waitUntil("the messages are as expected", asked, WAIT_TIMEOUT_MS, 50).catch((error) => {
        throw new Error(
          `${error.message}: ${JSON.stringify(messages.map((m) => [m.stage, m.status, m.attempts, m.errorMessage]))}`,
        );
      });
      return messages;
    },
    waitUntilIdle: () =>
      waitUntil(
        "nothing is on its way",
        async () => (await stats()).every(({ active }) => active === 0),
        WAIT_TIMEOUT_MS,
        50,
      ),
    async expectConsistent() {
      const figures = await stats();
      const [{ waiting, active, completed, failed } = { waiting: 0, active: 0, completed: 0, failed: 0 }] = figures;
      for (const own of figures) expect(own).toEqual({ waiting, active, completed, failed });
      const verified = await fleet.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
      expect(verified.body).toMatchObject({ success: true, ok: true, drifts: [] });
      const store = await openStore({ dataDir, databaseUrl: fleet.databaseUrl });
      try {
        expect(await findTallyMismatches(store.read)).toEqual([]);
        const [row] = await store.read.all<{ count: unknown }>(sql`select count(*) as count from messages`);
        expect(waiting + active + completed + failed).toBe(Number(row?.count));
      } finally {
        await store.close();
      }
    },
    async close() {
      await fleet.remove();
      await smtpServer.stop();
    },
  };
  return context;
}
