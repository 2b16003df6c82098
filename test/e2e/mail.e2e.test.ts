import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ImapFlow } from "imapflow";
import { type ParsedMail, simpleParser } from "mailparser";
import {
  createReadyBrand,
  getBrandBalance,
  launchCampaign,
  listCampaignMessages,
  type ReadyBrand,
} from "../support/api-campaign.ts";
import { findDovecot, IMAP_PASSWORD } from "../support/servers/dovecot.ts";
import { findPostfix, type MailServer, startMailServer } from "../support/servers/postfix.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Send a campaign over the API to Postfix and read it back from the mailboxes over IMAP.

setDefaultTimeout(60_000);

const canRun = findPostfix() !== null && findDovecot() !== null;
const POSTAL = "1 Main Street, Springfield, IL 62701, USA";
const stages = [
  { subject: "Grüße an {{ firstName }}", body: "Hi {{ firstName }},\n\nmay I ask you something?" },
  { body: "Hi {{ firstName }}, did you see my mail?" },
  { body: "Then I will not write again, {{ firstName }}." },
];
const inADay = { value: 1, unit: "DAYS" } as const;

describe.skipIf(!canRun)(
  `mail${canRun ? "" : " (skipped: Postfix or Dovecot 2.3 is not installed, or this is not root)"}`,
  () => {
    let server: MailServer;
    let service: Service;
    let admin = "";

    beforeAll(async () => {
      server = await startMailServer({ imap: true });
      service = await startService({ env: { SMTP_ALLOW_PRIVATE_HOSTS: "true" } });
      admin = await service.admin();
    });
    afterAll(async () => {
      await service.remove();
      await server.stop();
    });

    function open(name: string): Promise<ReadyBrand> {
      return createReadyBrand(service, admin, {
        name,
        smtpPort: server.smtpPort,
        mailboxes: [`ann@${name}.example`],
        displayName: `Ann from "${name}", Köln`,
        postalAddress: POSTAL,
        credits: 100,
      });
    }

    /** Lists the mails in a mailbox, oldest first, as a mail program sees them. */
    async function mailsOf(address: string): Promise<ParsedMail[]> {
      const client = new ImapFlow({
        host: "127.0.0.1",
        port: server.imapPort ?? 0,
        secure: false,
        auth: { user: address, pass: IMAP_PASSWORD },
        logger: false,
      });
      await client.connect();
      await client.mailboxOpen("INBOX");
      const found = await client.fetchAll("1:*", { source: true, uid: true }).catch(() => []);
      await client.logout();
      return Promise.all(found.sort((a, b) => a.uid - b.uid).map(({ source }) => simpleParser(source ?? "")));
    }

    async function arrived(address: string, count: number, milliseconds = 15_000): Promise<ParsedMail[]> {
      await waitUntil(
        `${count} mails for ${address}`,
        async () => (await server.read(address)).length >= count,
        milliseconds,
      );
      return mailsOf(address);
    }

    const settled = (brand: ReadyBrand, campaignId: string) =>
      waitUntil("no message is pending", async () =>
        (await listCampaignMessages(brand, campaignId)).every(({ status }) => status !== "PENDING"),
      );

    test("campaign: arrives as one thread per contact, with the Message-IDs of the service", async () => {
      const people = [
        { email: "zoe@reprise.test", firstName: "Zoë", lastName: 'O\'Neil, "Jr."' },
        { email: "bob@reprise.test", firstName: "Bob" },
      ];
      for (const { email } of people) server.addMailbox(email);
      const brand = await open("northwind");
      const id = await launchCampaign(brand, { name: "Threads", stages, people });
      await settled(brand, id);
      const messages = await listCampaignMessages(brand, id);
      expect(messages.map(({ status }) => status)).toEqual(Array(6).fill("SENT"));

      for (const { email, firstName, lastName } of people) {
        const mails = (await arrived(email, 3)).sort((a, b) => thread(a).length - thread(b).length);
        expect(mails).toHaveLength(3);
        const ids = mails.map((mail) => mail.messageId ?? "");
        const own = messages.filter(({ subject, text }) => `${subject} ${text}`.includes(firstName));
        expect(ids).toEqual(
          own.sort((a, b) => a.stage - b.stage).map((message) => `<${message.id}@northwind.example>`),
        );

        for (const [stage, mail] of mails.entries()) {
          expect(mail.from?.value).toEqual([{ address: "ann@northwind.example", name: 'Ann from "northwind", Köln' }]);
          const to = Array.isArray(mail.to) ? mail.to : [mail.to];
          expect(to.map((list) => list?.value)).toEqual([
            [{ address: email, name: [firstName, lastName].filter(Boolean).join(" ") }],
          ]);
          expect(mail.subject).toBe(`${stage === 0 ? "" : "Re: "}Grüße an ${firstName}`);
          expect(mail.text).toStartWith(
            stage === 0 ? `Hi ${firstName},\n\nmay I ask` : (["", "Hi", "Then"][stage] ?? ""),
          );
          expect(mail.text).toContain(POSTAL);
          expect(mail.text).toContain(`${service.url}/u/`);
          expect(thread(mail)).toEqual(ids.slice(0, stage));
          expect(mail.inReplyTo).toBe(stage === 0 ? undefined : ids[stage - 1]);
          expect(header(mail, "list-unsubscribe")).toBe(`List-Unsubscribe: <${linkIn(mail)}>`);
          expect(header(mail, "list-unsubscribe-post")).toBe("List-Unsubscribe-Post: List-Unsubscribe=One-Click");
        }
      }
      expect(await getBrandBalance(brand)).toMatchObject({ creditAvailable: 94, totalReserved: 0, totalUsed: 6 });
    });

    test("unsubscribe link: POST cancels the follow-up and refunds its credit; GET changes nothing", async () => {
      server.addMailbox("una@reprise.test");
      const brand = await open("unsubscribed");
      const people = [{ email: "una@reprise.test", firstName: "Una" }];
      const later = stages.map((stage, index) => (index === 0 ? stage : { ...stage, delay: inADay }));
      const id = await launchCampaign(brand, { name: "Unsubscribe", stages: later, people });
      const [mail] = await arrived("una@reprise.test", 1);
      const followUp = async () => (await listCampaignMessages(brand, id)).find(({ stage }) => stage === 1);
      await waitUntil("the follow-up is scheduled", async () => (await followUp())?.status === "PENDING");
      const link = mail ? linkIn(mail) : "";

      expect((await fetch(link)).status).toBe(200);
      expect((await fetch(link, { method: "POST", body: "List-Unsubscribe=One-Click" })).status).toBe(200);
      expect((await fetch(`${link}x`, { method: "POST" })).status).toBe(404);
      expect(await followUp()).toMatchObject({
        status: "CANCELLED",
        errorMessage: "UNSUBSCRIBED",
      });
      expect(await getBrandBalance(brand)).toMatchObject({ creditAvailable: 99, totalReserved: 0, totalUsed: 1 });

      // Check that a second campaign does not contact the address either.
      await expect(launchCampaign(brand, { name: "Again", stages, people })).rejects.toThrow(/not 1/);
      expect(await server.read("una@reprise.test")).toHaveLength(1);
    });

    test("recipient refused by the server: the message fails with the server's reply and costs nothing", async () => {
      server.addMailbox("kim@reprise.test");
      const brand = await open("refused");
      const people = [{ email: "unknown@reprise.test" }, { email: "kim@reprise.test", firstName: "Kim" }];
      const id = await launchCampaign(brand, { name: "Refused", stages: stages.slice(0, 1), people });
      await settled(brand, id);
      const messages = await listCampaignMessages(brand, id);
      expect(messages.find(({ status }) => status === "FAILED")).toMatchObject({
        attempts: 1,
        errorMessage: expect.stringMatching(/550 5\.1\.1 .*unknown@reprise\.test/),
      });
      expect(messages.filter(({ status }) => status === "SENT")).toHaveLength(1);
      expect(await arrived("kim@reprise.test", 1)).toHaveLength(1);
      expect(await getBrandBalance(brand)).toMatchObject({ creditAvailable: 99, totalReserved: 0, totalUsed: 1 });
      expect(
        (await brand.ask<{ data: object[] }>("GET", `/api/campaigns/${id}/contacts?status=BOUNCED`)).data,
      ).toHaveLength(1);
    });

    test("server down: messages wait, the mailbox shows the error and retries at growing intervals; then each is sent once", async () => {
      const people = ["ida", "jim", "lea", "max", "noa", "pia", "rob", "sue"].map((name) => ({
        email: `${name}@reprise.test`,
        firstName: name,
      }));
      for (const { email } of people) server.addMailbox(email);
      const brand = await open("patient");
      const account = async () => {
        type Shown = {
          emailAccount: { connectionStatus: string; connectionError: string; pausedUntil: string | null };
        };
        return (await brand.ask<Shown>("GET", `/api/email-accounts/${brand.senderIds[0]}`)).emailAccount;
      };
      await server.pause();
      const id = await launchCampaign(brand, { name: "Patience", stages: stages.slice(0, 2), people });

      await waitUntil("the mailbox reports an error", async () => (await account()).connectionStatus === "ERROR");
      const first = await account();
      expect(first.connectionError).toContain(`127.0.0.1:${server.smtpPort} refused the connection`);
      const waiting = await listCampaignMessages(brand, id);
      expect(waiting.map(({ status, stage }) => [status, stage])).toEqual(people.map(() => ["PENDING", 0]));
      for (const { errorMessage } of waiting) expect(errorMessage).toMatch(/refused the connection|SENDER_PAUSED/);

      const pausedUntil = ({ pausedUntil }: typeof first) => Date.parse(pausedUntil ?? "");
      const pause = pausedUntil(first) - Date.now();
      expect(pause).toBeGreaterThan(0);
      expect(pause).toBeLessThanOrEqual(15_000);
      await waitUntil(
        "the mailbox was tried again",
        async () => pausedUntil(await account()) > pausedUntil(first),
        45_000,
      );
      const longer = pausedUntil(await account()) - Date.now();
      expect(longer).toBeGreaterThan(10_000);
      expect(longer).toBeLessThanOrEqual(30_000);

      await server.resume();
      for (const { email } of people) await arrived(email, 2, 60_000);
      await settled(brand, id);
      for (const { email } of people) {
        const mails = await mailsOf(email);
        expect(mails.map(({ subject }) => subject?.startsWith("Re: "))).toEqual([false, true]);
      }
      expect(await account()).toMatchObject({
        connectionStatus: "CONNECTED",
        connectionError: null,
        pausedUntil: null,
      });
      expect(await getBrandBalance(brand)).toMatchObject({ creditAvailable: 84, totalReserved: 0, totalUsed: 16 });
    }, 120_000);

    test("ledger verify: the ledger balances after all mail tests", async () => {
      const { exitCode, stdout } = await service.run(["ledger", "verify", "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
      expect(exitCode).toBe(0);
    });
  },
);

/** Finds a header of the mail, unfolded to one line. */
function header({ headerLines }: ParsedMail, name: string): string | undefined {
  return headerLines.find(({ key }) => key === name)?.line.replace(/\r?\n\s+/g, " ");
}

/** Lists the Message-IDs in References; the parser returns one as a string and several as an array. */
function thread({ references = [] }: ParsedMail): string[] {
  return [references].flat();
}

function linkIn({ text = "" }: ParsedMail): string {
  return /http\S+\/u\/[\w.-]+/.exec(text)?.[0] ?? "";
}
