import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Envelope, SmtpLogin } from "../../../src/channels/channel.ts";
import { createSmtpChannel } from "../../../src/channels/email/smtp.ts";
import { createEnvelope, LARGE_TEXT, smtpLogin } from "../../support/mail.ts";
import {
  type ScriptedReply,
  type SmtpScript,
  startScriptedSmtpServer,
  startSmtpServer,
} from "../../support/servers/smtp-server.ts";

const channel = createSmtpChannel({ allowPrivateHosts: true, poolPerSender: 3, idleMilliseconds: 150 });
afterAll(() => channel.close());

/** Creates mails of one sender. */
function mails(smtp: SmtpLogin, howMany: number, over: Partial<Envelope> = {}): Envelope[] {
  const { sender } = createEnvelope(smtp);
  return Array.from({ length: howMany }, () => createEnvelope(smtp, { sender, ...over }));
}

function never(): never {
  throw new Error("there are fewer mails than asked for");
}

async function sendOneByOne(envelopes: Envelope[]): Promise<string[]> {
  const kinds: string[] = [];
  for (const envelope of envelopes) kinds.push((await channel.send(envelope)).kind);
  return kinds;
}

describe("SMTP channel: no mail is sent twice", () => {
  test("when the server drops the connection after the final dot", async () => {
    const server = await startScriptedSmtpServer({ dot: "drop" });
    expect(await sendOneByOne(mails(smtpLogin(server.port), 1))).toEqual(["unknown"]);
    await Bun.sleep(1_000);
    expect(server.received.length).toBe(1);
    expect(server.connections.ever).toBe(1);
    await server.stop();
  });

  test("when the connection had carried mail before and is dropped after the final dot", async () => {
    const replies = ["250 2.0.0 ok", "drop"] as const;
    let dots = 0;
    const server = await startScriptedSmtpServer({ dot: () => replies[dots++] ?? "hang" });
    expect(await sendOneByOne(mails(smtpLogin(server.port), 2))).toEqual(["accepted", "unknown"]);
    await Bun.sleep(300);
    expect([dots, server.received.length, server.connections.ever]).toEqual([2, 2, 1]);
    await server.stop();
  });

  test("for any server behaviour at any step: accepted means one copy, rejected and deferred mean none", async () => {
    const hasty = createSmtpChannel({ allowPrivateHosts: true, timeouts: { connect: 80, session: 120, commit: 80 } });
    const replies = [
      "220 hi",
      "250 ok",
      "354 go on",
      "421 bye",
      "450 slow down",
      "451 later",
      "500 what",
      "550 no",
      "554 no",
    ];
    const reaction = fc.constantFrom<ScriptedReply[]>("drop", "reset", "hang", ...(replies as `250 ${string}`[]));
    const step = fc.constantFrom("connect", "mail", "rcpt", "data", "content", "dot", "afterwards");
    const script = fc.tuple(step, reaction, fc.boolean()).map(([at, does, pipelining]) => {
      return { [at]: does, offers: pipelining ? ["PIPELINING"] : [] } as SmtpScript;
    });
    await fc.assert(
      fc.asyncProperty(script, fc.constantFrom(10, 3_000_000), async (misbehaviour, size) => {
        const server = await startScriptedSmtpServer(misbehaviour);
        const [envelope] = mails(smtpLogin(server.port), 1, { text: "x".repeat(size), html: null });
        const outcome = envelope && (await hasty.send(envelope));
        await Bun.sleep(20);
        const copies = server.received.length;
        await server.stop();
        if (outcome?.kind === "accepted") expect(copies).toBe(1);
        else if (outcome?.kind === "unknown") expect(copies).toBeLessThanOrEqual(1);
        else expect(copies).toBe(0);
      }),
      { numRuns: 60 },
    );
    await hasty.close();
  }, 60_000);
});

describe("SMTP channel connections", () => {
  test("one connection carries accepted and rejected mails and is closed when idle", async () => {
    let dots = 0;
    const server = await startScriptedSmtpServer({ dot: () => (dots++ % 2 === 0 ? "250 2.0.0 ok" : "550 5.7.1 spam") });
    expect(await sendOneByOne(mails(smtpLogin(server.port), 4))).toEqual([
      "accepted",
      "rejected",
      "accepted",
      "rejected",
    ]);
    expect(server.connections).toEqual({ open: 1, ever: 1 });
    await Bun.sleep(400);
    expect(server.connections).toEqual({ open: 0, ever: 1 });
    await server.stop();
  });

  test.each(["drop", "reset", "421 4.4.2 idle for too long"] as const)(
    "a connection that the server ended (%s) loses no mail",
    async (afterwards) => {
      const server = await startScriptedSmtpServer({ afterwards });
      const envelopes = mails(smtpLogin(server.port), 4);
      expect(await sendOneByOne(envelopes)).toEqual(["accepted", "accepted", "accepted", "accepted"]);
      expect(server.received.map((mail) => mail.messageId)).toEqual(envelopes.map((envelope) => envelope.messageKey));
      await server.stop();
    },
  );

  test("a connection with a rejection in the middle of the content is not reused", async () => {
    const server = await startScriptedSmtpServer({ content: "552 5.3.4 too big" });
    const single = createSmtpChannel({ allowPrivateHosts: true, poolPerSender: 1 });
    const [first = never(), second = never()] = mails(smtpLogin(server.port), 2, { text: LARGE_TEXT, html: null });
    expect((await single.send(first)).kind).toBe("rejected");
    // If the connection were reused, this mail would wait for it.
    expect((await single.send(second)).kind).toBe("rejected");
    expect([server.connections.ever, server.received.length]).toEqual([2, 0]);
    await single.close();
    await server.stop();
  });

  test("a sender has at most its pool of connections, and 250 mails are each sent once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "reprise-smtp-"));
    const acceptedFile = join(folder, "accepted");
    const server = await startSmtpServer({ replyDelayMs: 5, acceptedFile });
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, server.connections.open);
    }, 1);
    const envelopes = mails(smtpLogin(server.port), 250);
    const outcomes = await Promise.all(envelopes.map((envelope) => channel.send(envelope)));
    clearInterval(watching);
    expect(outcomes.filter((outcome) => outcome.kind === "accepted").length).toBe(250);
    const lines = readFileSync(acceptedFile, "utf8").trimEnd().split("\n");
    expect(lines.sort()).toEqual(envelopes.map((envelope) => `${envelope.messageKey} bob@client.test`).sort());
    expect(most).toBe(3);
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  test("waiting mails get another connection when the server ends one", async () => {
    const server = await startScriptedSmtpServer({ afterwards: "drop" });
    const outcomes = await Promise.all(mails(smtpLogin(server.port), 40).map((envelope) => channel.send(envelope)));
    expect(outcomes.filter((outcome) => outcome.kind === "accepted").length).toBe(40);
    expect(new Set(server.received.map((mail) => mail.messageId)).size).toBe(40);
    expect(server.received.length).toBe(40);
    await server.stop();
  });

  test("mails that waited too long are deferred unsent, and the connection serves later mails", async () => {
    const server = await startSmtpServer({ replyDelayMs: 600 });
    const narrow = createSmtpChannel({ allowPrivateHosts: true, poolPerSender: 1, timeouts: { session: 900 } });
    const envelopes = mails(smtpLogin(server.port), 6);
    const outcomes = await Promise.all(envelopes.map((envelope) => narrow.send(envelope)));
    const accepted = outcomes.filter((outcome) => outcome.kind === "accepted").length;
    expect(server.received.length).toBe(accepted);
    expect(outcomes[5]).toEqual({ kind: "deferred", reason: "no connection was available in time", scope: "message" });
    expect(await narrow.send(createEnvelope(null, { sender: envelopes[0]?.sender ?? never() }))).toMatchObject({
      kind: "accepted",
    });
    expect(server.connections.ever).toBe(1);
    await narrow.close();
    await server.stop();
  });

  test("a changed password opens a new connection", async () => {
    const server = await startSmtpServer({ login: { username: "ada", password: "new" } });
    const [first] = mails(smtpLogin(server.port, { username: "ada", password: "new" }), 1);
    if (!first?.sender.smtp) throw new Error("no login");
    expect((await channel.send(first)).kind).toBe("accepted");
    const changed = { ...first, sender: { ...first.sender, smtp: { ...first.sender.smtp, password: "old" } } };
    expect(await channel.send(changed)).toMatchObject({ kind: "deferred", scope: "sender" });
    await Bun.sleep(50);
    expect(server.connections).toEqual({ open: 0, ever: 2 });
    await server.stop();
  });

  test("idle connections of many senders are limited to 500", async () => {
    const server = await startScriptedSmtpServer({});
    const idle = createSmtpChannel({ allowPrivateHosts: true });
    for (let sent = 0; sent < 520; sent += 1) await idle.send(createEnvelope(smtpLogin(server.port)));
    expect(server.received.length).toBe(520);
    await Bun.sleep(50);
    expect(server.connections.open).toBeLessThanOrEqual(500);
    await idle.close();
    await server.stop();
  });

  test("server down: waiting mails are deferred at once instead of one after another", async () => {
    const server = await startScriptedSmtpServer({ connect: "hang" });
    const hasty = createSmtpChannel({ allowPrivateHosts: true, timeouts: { connect: 200 } });
    const started = performance.now();
    const outcomes = await Promise.all(mails(smtpLogin(server.port), 20).map((envelope) => hasty.send(envelope)));
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(["deferred"]));
    expect(performance.now() - started).toBeLessThan(1_000);
    await hasty.close();
    await server.stop();
  });

  test("closing the channel settles mails in progress: deferred before the final dot, unknown after it", async () => {
    const before = await startScriptedSmtpServer({ rcpt: "hang" });
    const behind = await startScriptedSmtpServer({ dot: "hang" });
    const closing = createSmtpChannel({ allowPrivateHosts: true });
    const running = [before, behind].map((server) => closing.send(createEnvelope(smtpLogin(server.port))));
    await Bun.sleep(100);
    await closing.close();
    expect(await Promise.all(running)).toMatchObject([{ kind: "deferred", scope: "message" }, { kind: "unknown" }]);
    expect(await closing.send(createEnvelope(smtpLogin(before.port)))).toMatchObject({
      kind: "deferred",
      scope: "message",
    });
    await Promise.all([before.stop(), behind.stop()]);
  });
});
