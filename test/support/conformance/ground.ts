import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { openStore } from "../../../src/db/open.ts";
import { tallyDrifts } from "../../../src/messages/tallyProof.ts";
import { type BrandAtWork, type BrandOrder, messagesOf, type ShownMessage, setUpBrand } from "../campaign.ts";
import { type Fleet, REPLICAS, startFleet } from "../fleet.ts";
import { type ReceivedMail, startSmtpServer, type TestSmtpServer } from "../smtpServer.ts";
import { until } from "../throwaway.ts";

/**
 * Context of the conformance cases: the program with the number of replicas of this pass, and the external mail
 * server, whose log is the reference.
 */
export interface Ground {
  fleet: Fleet;
  admin: string;
  outside: TestSmtpServer;
  /** Creates a brand with `count` mailboxes, by default on the external mail server. */
  brand(order?: Partial<BrandOrder> & { count?: number }): Promise<BrandAtWork>;
  /** Creates contacts with addresses that no other case uses. */
  people(count: number): { email: string; firstName: string }[];
  /** Lists the mails received for the contacts of a case, oldest first. */
  mailTo(people: readonly { email: string }[]): ReceivedMail[];
  /** Makes all scheduled messages of a campaign due. */
  bringForward(brand: BrandAtWork, campaignId: string): Promise<void>;
  /** Expires all claims at once, instead of after their lease of five minutes. */
  endClaims(): Promise<void>;
  /** Waits until the messages of a campaign meet a condition, and returns them. */
  whenMessages(
    brand: BrandAtWork,
    campaignId: string,
    holds: (messages: ShownMessage[]) => boolean,
  ): Promise<ShownMessage[]>;
  /** Waits until no replica is sending. */
  whenStill(): Promise<void>;
  /** Expects a consistent ledger, consistent tallies, and the same queue figures from each replica. */
  expectOrder(): Promise<void>;
  close(): Promise<void>;
}

interface QueueStats {
  waiting: number;
  active: number;
  completed: number;
  failed: number;
}

/** Longer than any successful case takes. */
export const PATIENCE = 25_000;

export async function startGround(): Promise<Ground> {
  const outside = await startSmtpServer({ hesitates: () => Math.random() * 10, thinks: () => Math.random() * 10 });
  const args = Array.from({ length: REPLICAS }, () => []);
  const env = { SMTP_ALLOW_PRIVATE_HOSTS: "true", CLIENT_ADDRESS_HEADER: "x-client-address" };
  const fleet = await startFleet({ args, env });
  const admin = await fleet.admin();
  const dataDir = join(fleet.replicas[0]?.folder ?? "", "data");
  let brands = 0;
  let persons = 0;

  /** Executes a statement directly on the database. */
  async function execute(statement: string): Promise<void> {
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

  /** Lists the queue figures of each replica. */
  const stats = () =>
    Promise.all(
      fleet.replicas.map(
        async ({ api }) => (await api<{ queueStats: QueueStats }>("GET", "/api/health/queue")).body.queueStats,
      ),
    );

  const ground: Ground = {
    fleet,
    admin,
    outside,
    brand({ count = 2, ...order } = {}) {
      const number = ++brands;
      const mailboxes = Array.from({ length: count }, (_, n) => `m${n}@brand${number}.example`);
      return setUpBrand(fleet, admin, {
        name: `B${number}`,
        smtpPort: outside.port,
        mailboxes,
        credits: 10_000,
        ...order,
      });
    },
    people: (count) =>
      Array.from({ length: count }, () => ({ email: `p${++persons}@client.example`, firstName: "Jo" })),
    mailTo(people) {
      const theirs = new Set(people.map(({ email }) => email));
      return outside.received.filter(({ to }) => theirs.has(to));
    },
    async bringForward({ ask, senderIds }, campaignId) {
      await execute(`update messages set run_at = 1 where campaign_id = '${campaignId}' and status = 'PENDING'
        and run_at < 8640000000000000`);
      // An update of the campaign wakes the engine.
      await ask("PUT", `/api/campaigns/${campaignId}/senders`, { emailAccountIds: senderIds });
    },
    endClaims: () => execute("update messages set lease_until = 0 where status = 'SENDING'"),
    async whenMessages(brand, campaignId, holds) {
      let messages: ShownMessage[] = [];
      const asked = async () => {
        messages = await messagesOf(brand, campaignId);
        return holds(messages);
      };
      await until("the messages are as expected", asked, PATIENCE, 50).catch((error) => {
        throw new Error(
          `${error.message}: ${JSON.stringify(messages.map((m) => [m.stage, m.status, m.attempts, m.errorMessage]))}`,
        );
      });
      return messages;
    },
    whenStill: () =>
      until("nothing is on its way", async () => (await stats()).every(({ active }) => active === 0), PATIENCE, 50),
    async expectOrder() {
      const figures = await stats();
      const [{ waiting, active, completed, failed } = { waiting: 0, active: 0, completed: 0, failed: 0 }] = figures;
      for (const own of figures) expect(own).toEqual({ waiting, active, completed, failed });
      const verified = await fleet.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
      expect(verified.body).toMatchObject({ success: true, ok: true, drifts: [] });
      const store = await openStore({ dataDir, databaseUrl: fleet.databaseUrl });
      try {
        expect(await tallyDrifts(store.read)).toEqual([]);
        const [row] = await store.read.all<{ count: unknown }>(sql`select count(*) as count from messages`);
        expect(waiting + active + completed + failed).toBe(Number(row?.count));
      } finally {
        await store.close();
      }
    },
    async close() {
      await fleet.remove();
      await outside.stop();
    },
  };
  return ground;
}
