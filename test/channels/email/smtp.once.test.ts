import { afterAll, describe, expect, test } from "bun:test";
import type { Envelope, Outcome } from "../../../src/channels/channel.ts";
import { createSmtpChannel } from "../../../src/channels/email/smtp.ts";
import { LARGE_TEXT, smtpLogin as login, createEnvelope as mail } from "../../support/mail.ts";
import {
  loadCertificate,
  type SmtpScript,
  startScriptedSmtpServer,
  startSmtpServer,
} from "../../support/servers/smtp-server.ts";

/** Channel with timeouts longer than any server here needs. */
const channel = createSmtpChannel({ allowPrivateHosts: true, idleMilliseconds: 60 });
const SHORT_TIMEOUTS_MS = { connect: 300, session: 600, commit: 300 };
const hasty = createSmtpChannel({ allowPrivateHosts: true, timeouts: SHORT_TIMEOUTS_MS });
afterAll(() => Promise.all([channel.close(), hasty.close()]));

const PASSWORD = "correct-horse-battery";
const large = { text: "All work and no play. ".repeat(20_000), html: null };
const bulky = { text: LARGE_TEXT, html: null };
const withLogin = { username: "ada", password: PASSWORD };
const forSender = { kind: "deferred", scope: "sender" } as const;
const forMessage = { kind: "deferred", scope: "message" } as const;
const rejected = { kind: "rejected", badAddress: false } as const;
const badAddress = { kind: "rejected", badAddress: true } as const;
const unknown = { kind: "unknown" } as const;

type Scenario = [
  name: string,
  script: SmtpScript,
  expected: Partial<Outcome>,
  copies: number,
  over?: Partial<Envelope>,
];

const scenarios: Scenario[] = [
  ["no failure", {}, { kind: "accepted", providerId: "Ok: queued as 4711" }, 1],
  ["a large message", {}, { kind: "accepted" }, 1, large],
  ["a slow greeting", { bannerAfter: 150 }, { kind: "accepted" }, 1],
  // The connection fails
  ["dropped before the greeting", { connect: "drop" }, forSender, 0],
  [
    "421 instead of a greeting",
    { connect: "421 4.7.0 Too many connections, try again in 2 minutes" },
    { ...forSender, retryAfterMs: 120_000 },
    0,
  ],
  ["554 instead of a greeting", { connect: "554 5.7.1 no service" }, forSender, 0],
  ["dropped after MAIL", { mail: "drop" }, forSender, 0],
  ["dropped after RCPT", { rcpt: "drop" }, forSender, 0],
  ["reset after RCPT", { rcpt: "reset" }, forSender, 0],
  ["421 after RCPT", { rcpt: "421 4.3.2 closing" }, forSender, 0],
  ["dropped instead of 354", { data: "drop" }, forSender, 0],
  ["dropped in the middle of the content", { content: "drop" }, forSender, 0, bulky],
  // The final dot
  ["dropped after the final dot", { dot: "drop" }, unknown, 1],
  ["reset after the final dot", { dot: "reset" }, unknown, 1],
  ["an invalid reply after the final dot", { dot: "000 hello?" }, unknown, 1],
  ["451 after the final dot", { dot: "451 4.3.0 try again later" }, forMessage, 0],
  ["421 after the final dot", { dot: "421 4.3.2 shutting down" }, forSender, 0],
  ["550 after the final dot", { dot: "550 5.7.1 looks like spam" }, rejected, 0],
  ["552 after the final dot", { dot: "552 5.3.4 Message size exceeds fixed limit" }, rejected, 0],
  ["550 5.1.1 after the final dot", { dot: "550 5.1.1 no mailbox here" }, badAddress, 0],
  ["552 in the middle of the content", { content: "552 5.3.4 too big" }, rejected, 0, bulky],
  ["the daily limit of the mailbox", { dot: "550 5.4.5 Daily user sending limit exceeded" }, forSender, 0],
  // The recipient
  [
    "550 5.1.1",
    { rcpt: "550-5.1.1 The email account that you tried to reach\r\n550 5.1.1 does not exist" },
    badAddress,
    0,
  ],
  ["550 without an enhanced code", { rcpt: "550 No such user here" }, badAddress, 0],
  ["550 5.1.1 of a relay", { rcpt: "550 5.1.1 <b@c.test>: User unknown in relay recipient table" }, badAddress, 0],
  ["550 for other reasons", { rcpt: "550 5.7.1 blocked by policy" }, rejected, 0],
  ["550 with the text of the standard", { rcpt: "550 Requested action not taken: mailbox unavailable" }, rejected, 0],
  ["552 mailbox full", { rcpt: "552 5.2.2 The mailbox is over its daily quota" }, rejected, 0],
  ["451 at RCPT", { rcpt: "451 4.3.0 lookup failed" }, forMessage, 0],
  ["452 at RCPT", { rcpt: "452 4.5.3 too many recipients" }, forMessage, 0],
  [
    "greylisting",
    { rcpt: "451 4.7.1 Greylisted, please try again in 300 seconds" },
    { ...forMessage, retryAfterMs: 300_000 },
    0,
  ],
  [
    "450 too fast",
    { rcpt: "450 4.7.1 Sending rate exceeded, retry after 60s" },
    { ...forSender, retryAfterMs: 60_000 },
    0,
  ],
  ["450 for one mailbox", { rcpt: "450 4.2.1 This user gets mail at too high a rate" }, forMessage, 0],
  ["503 out of step", { data: "503 5.5.1 bad sequence" }, forMessage, 0],
  // The sender
  ["550 at MAIL", { mail: "550 5.7.60 not allowed to send as this sender" }, forSender, 0],
  ["451 at MAIL", { mail: "451 4.3.0 later" }, forSender, 0],
  ["552 at MAIL", { mail: "552 5.3.4 too big" }, rejected, 0],
  ["larger than announced", { offers: ["SIZE 1000"] }, rejected, 0, large],
  ["relaying refused", { rcpt: "554 5.7.1 <b@c.test>: Relay access denied" }, forSender, 0],
  [
    "not the sender's address",
    { rcpt: "553 5.7.1 <a@b.test>: Sender address rejected: not owned by user ada" },
    forSender,
    0,
  ],
  ["a sender that does not exist", { rcpt: "550 5.1.8 <a@b.test>: domain not found" }, forSender, 0],
  ["530 at RCPT", { rcpt: "530 5.7.0 Authentication required" }, forSender, 0],
];

/** Servers that do not respond in time. */
const slowServers: Scenario[] = [
  ["no greeting in time", { bannerAfter: 900 }, forSender, 0],
  ["silence after RCPT", { rcpt: "hang" }, forSender, 0],
  ["silence in the middle of the content", { content: "hang" }, forSender, 0, bulky],
  ["silence after the final dot", { dot: "hang" }, unknown, 1],
];

describe("SMTP channel outcome", () => {
  async function check(sender: typeof channel, [, script, expected, copies, over]: Scenario): Promise<void> {
    for (const offers of [[], ["PIPELINING"]]) {
      const server = await startScriptedSmtpServer({ ...script, offers: [...offers, ...(script.offers ?? [])] });
      expect(await sender.send(mail(login(server.port), over))).toMatchObject(expected);
      expect(server.received.length).toBe(copies);
      await server.stop();
    }
  }

  for (const scenario of scenarios) test(`${scenario[0]}: ${scenario[2].kind}`, () => check(channel, scenario));
  for (const scenario of slowServers) test(`${scenario[0]}: ${scenario[2].kind}`, () => check(hasty, scenario));

  test("no server listening: the message is deferred for the sender", async () => {
    const server = await startScriptedSmtpServer({});
    await server.stop();
    expect(await channel.send(mail(login(server.port)))).toMatchObject(forSender);
  });

  test("an unknown host, a private host and plain text to a public host: the message is deferred for the sender", async () => {
    const strict = createSmtpChannel({ allowPrivateHosts: false });
    expect(await channel.send(mail(login(25, { host: "nowhere.invalid" })))).toMatchObject(forSender);
    const refused = await strict.send(mail(login(587, { security: "STARTTLS" })));
    expect(refused).toMatchObject({ ...forSender, reason: expect.stringContaining("public mail server") });
    const inTheClear = await strict.send(mail(login(587, { host: "192.0.2.1" })));
    expect(inTheClear).toMatchObject({ ...forSender, reason: "security: must be TLS or STARTTLS" });
  });
});

describe("SMTP channel login", () => {
  test("refused: defers the sender with advice and never repeats the password", async () => {
    const server = await startScriptedSmtpServer({ auth: (line) => `535 5.7.8 ${line} (${PASSWORD}) is wrong` });
    const outcome = await channel.send(mail(login(server.port, withLogin)));
    expect(outcome).toMatchObject({ ...forSender, reason: expect.stringContaining("app password") });
    const verified = await channel.verify(login(server.port, withLogin));
    expect(verified.ok).toBe(false);
    for (const secret of [PASSWORD, btoa(PASSWORD), btoa(`\0ada\0${PASSWORD}`).slice(0, 20)]) {
      expect(JSON.stringify([outcome, verified])).not.toContain(secret);
    }
    await server.stop();
  });

  test("answered with 454 or not offered: defers the sender and sends nothing", async () => {
    const busy = await startScriptedSmtpServer({ auth: "454 4.7.0 Temporary authentication failure" });
    expect(await channel.send(mail(login(busy.port, withLogin)))).toMatchObject(forSender);
    const open = await startScriptedSmtpServer({});
    const outcome = await channel.send(mail(login(open.port, withLogin)));
    expect(outcome).toMatchObject({ ...forSender, reason: expect.stringContaining("offers no login") });
    expect(open.received).toEqual([]);
    await Promise.all([busy.stop(), open.stop()]);
  });

  test.each(["TLS", "STARTTLS"] as const)(
    "%s: succeeds only with a trusted certificate that names the host",
    async (security) => {
      const authorities = [loadCertificate("localhost"), loadCertificate("elsewhere")];
      const trusting = createSmtpChannel({ allowPrivateHosts: true, authorities });
      const right = await startSmtpServer({ security, login: withLogin });
      const wrong = await startSmtpServer({ security, login: withLogin, certificate: loadCertificate("elsewhere") });
      const at = (port: number) => login(port, { host: "localhost", security, ...withLogin });
      expect(await trusting.verify(at(right.port))).toEqual({ ok: true });
      expect(await trusting.send(mail(at(right.port)))).toMatchObject({ kind: "accepted" });
      for (const [sender, port] of [
        [channel, right.port],
        [trusting, wrong.port],
      ] as const) {
        expect(await sender.send(mail(at(port)))).toMatchObject({
          ...forSender,
          reason: expect.stringContaining(`the TLS connection to localhost:${port} failed`),
        });
      }
      expect([right.received.length, wrong.received.length]).toEqual([1, 0]);
      await trusting.close();
      await Promise.all([right.stop(), wrong.stop()]);
    },
  );

  test("a server without STARTTLS gets neither the password nor the mail", async () => {
    const server = await startScriptedSmtpServer({ auth: "235 2.7.0 welcome" });
    const outcome = await channel.send(mail(login(server.port, { security: "STARTTLS", ...withLogin })));
    expect(outcome).toMatchObject(forSender);
    expect(server.received).toEqual([]);
    await server.stop();
  });
});
