import { expect, setDefaultTimeout, test } from "bun:test";
import { ImapFlow } from "imapflow";
import { Redis } from "ioredis";
import nodemailer from "nodemailer";
import postgres from "postgres";
import { findChromium, openBrowser } from "./chromium.ts";
import { findDovecot, IMAP_PASSWORD } from "./dovecot.ts";
import { findPostfix, startMailServer } from "./postfix.ts";
import { findPostgres, startPostgres } from "./postgres.ts";
import { findRedis, startRedis } from "./redis.ts";
import { isListening, waitUntil } from "./temp-server.ts";

setDefaultTimeout(60_000);

/** Defines a test that is skipped, and named so, where the program was not found. */
function testWith(program: string | null, name: string, prove: () => Promise<void>): void {
  test.skipIf(!program)(program ? name : `${name} (skipped: not installed, or it needs root)`, prove);
}

testWith(findPostgres(), "PostgreSQL answers, keeps its data over a restart, and stops", async () => {
  const server = await startPostgres();
  const database = await server.createDatabase();
  expect(await server.createDatabase()).not.toBe(database);
  const sql = postgres(database, { max: 1 });
  expect<unknown>([...(await sql`select 1 as one`)]).toEqual([{ one: 1 }]);
  await sql`create table kept as select 'kept' as word`;
  await server.restart();
  expect<unknown>([...(await sql`select word from kept`)]).toEqual([{ word: "kept" }]);
  await sql.end();
  await server.stop();
  expect(await isListening(Number(new URL(server.url).port))).toBe(false);
});

testWith(findRedis(), "Redis answers, forgets everything at a restart, and stops", async () => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  expect(await redis.ping()).toBe("PONG");
  await redis.set("word", "kept?");
  await server.restart();
  expect(await redis.get("word")).toBeNull();
  redis.disconnect();
  await server.stop();
  expect(await isListening(Number(new URL(server.url).port))).toBe(false);
});

testWith(findChromium(), "Chromium renders a page, and reaches nothing beyond this machine", async () => {
  const html = `<h1>Hello</h1><img src="https://elsewhere.example/pixel.png"><img src="/redirect">`;
  using site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/": new Response(html, { headers: { "content-type": "text/html" } }),
      "/redirect": Response.redirect("http://192.0.2.1/redirected.png"),
    },
  });
  const browser = await openBrowser({ blockNetwork: true });
  await browser.page.goto(site.url.href);
  expect(await browser.page.textContent("h1")).toBe("Hello");
  expect(browser.blocked.sort()).toEqual(["http://192.0.2.1/redirected.png", "https://elsewhere.example/pixel.png"]);
  expect(await browser.page.evaluate("document.images[0].naturalWidth")).toBe(0);
  await browser.close();
});

testWith(findPostfix() && findDovecot(), "Postfix takes a mail, refuses a stranger's, and IMAP shows it", async () => {
  const server = await startMailServer({ imap: true });
  server.addMailbox("ann@reprise.test");
  const smtp = nodemailer.createTransport({ host: "127.0.0.1", port: server.smtpPort, ignoreTLS: true });
  const send = (to: string) =>
    smtp.sendMail({ from: "brand@elsewhere.example", to, subject: "Hello", text: "Are you there?" });

  await send("ann@reprise.test");
  await expect(send("unknown@reprise.test")).rejects.toMatchObject({
    responseCode: 550,
    response: expect.stringContaining("5.1.1"),
  });
  await expect(send("ann@elsewhere.example")).rejects.toMatchObject({ responseCode: 554 });
  await waitUntil("the mail is delivered", async () => (await server.read("ann@reprise.test")).length === 1);
  expect(await server.read("ann@reprise.test")).toEqual([expect.stringContaining("Are you there?")]);

  const login = { user: "ann@reprise.test", pass: IMAP_PASSWORD };
  const imap = new ImapFlow({
    host: "127.0.0.1",
    port: server.imapPort ?? 0,
    secure: false,
    auth: login,
    logger: false,
  });
  await imap.connect();
  await imap.mailboxOpen("INBOX");
  expect(await imap.fetchOne("1", { envelope: true })).toMatchObject({ envelope: { subject: "Hello" } });
  await imap.logout();

  await server.pause();
  await expect(send("ann@reprise.test")).rejects.toThrow();
  expect(await isListening(server.smtpPort)).toBe(false);
  await server.resume();
  await send("ann@reprise.test");
  await waitUntil("the second mail is delivered", async () => (await server.read("ann@reprise.test")).length === 2);
  await server.stop();
  expect(await isListening(server.smtpPort)).toBe(false);
});
