import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { simpleParser } from "mailparser";
import type { Envelope } from "../../../src/channels/channel.ts";
import { composeMail } from "../../../src/channels/email/mail.ts";
import { createEnvelope } from "../../support/mail.ts";

const compose = (over: Partial<Envelope> = {}) => composeMail(createEnvelope(null, over));
const { sender, to } = createEnvelope(null);
const unsubscribeUrl = `https://mail.reprise.test/unsubscribe/${"a1B2".repeat(60)}?x=1&y=%20`;

/** Lists the header lines of a mail, unfolded. */
function headers(bytes: Buffer): string[] {
  const [head = ""] = bytes.toString("latin1").split("\r\n\r\n");
  return head.replace(/\r\n[ \t]/g, " ").split("\r\n");
}

describe("composeMail", () => {
  test("writes sender, recipient, thread and unsubscribe headers, and drops invalid thread ids", async () => {
    const thread = ["<1@reprise.test>", "<2@client.test>", "not an id", "<3@client.test>\r\nBcc: all@client.test"];
    const { from, to, bytes } = await compose({ messageKey: "<key-1@reprise.test>", thread, unsubscribeUrl });
    expect([from, to]).toEqual(["ada@brand.test", "bob@client.test"]);
    const parsed = await simpleParser(bytes);
    expect(parsed.messageId).toBe("<key-1@reprise.test>");
    expect(parsed.inReplyTo).toBe("<2@client.test>");
    expect(parsed.references).toEqual(["<1@reprise.test>", "<2@client.test>"]);
    expect(parsed.from?.value).toEqual([{ address: "ada@brand.test", name: "Ada" }]);
    expect(parsed.text?.trim()).toBe("Hi Bob\n.\nBye");
    expect(parsed.html).toContain("<p>Hi Bob</p>");
    expect(Math.abs(Date.now() - (parsed.date?.getTime() ?? 0))).toBeLessThan(5_000);
    expect(headers(bytes)).toContain(`List-Unsubscribe: <${unsubscribeUrl}>`);
    expect(headers(bytes)).toContain("List-Unsubscribe-Post: List-Unsubscribe=One-Click");
  });

  test("writes no unsubscribe, thread or alternative parts for a first mail without link and HTML", async () => {
    const names = headers((await compose({ html: null })).bytes).map((line) => line.split(":")[0]);
    expect(names.sort()).toEqual(
      [
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
      ].sort(),
    );
  });

  test("uses the same Message-ID for each attempt of a message", async () => {
    const envelope = createEnvelope(null);
    for (const { bytes } of [await composeMail(envelope), await composeMail(envelope)]) {
      expect(headers(bytes)).toContain(`Message-ID: ${envelope.messageKey}`);
    }
  });

  test("encodes domains as ASCII and names in any script", async () => {
    const mail = await compose({
      to: { address: "bob@bücher.example", name: "Böb „Bücher“, 本" },
      subject: "Grüße 👋",
    });
    expect(mail.to).toBe("bob@xn--bcher-kva.example");
    const parsed = await simpleParser(mail.bytes);
    expect(parsed.subject).toBe("Grüße 👋");
    expect([parsed.to].flat()[0]?.value[0]?.name).toBe("Böb „Bücher“, 本");
    expect(mail.bytes.every((byte) => byte < 128)).toBe(true);
  });

  test("writes no line longer than 998 characters", async () => {
    const { bytes } = await compose({ text: "x".repeat(5_000), html: `<p>${"y".repeat(5_000)}</p>`, unsubscribeUrl });
    expect(
      Math.max(
        ...bytes
          .toString("latin1")
          .split("\r\n")
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(998);
  });
});

describe("composeMail: injection", () => {
  const broken: [string, Partial<Envelope>][] = ["\r\nBcc: all@client.test", "\n", "\r", "\0"].flatMap((evil) => [
    [`subject ${JSON.stringify(evil)}`, { subject: `Hi${evil}` }],
    [`recipient's name ${JSON.stringify(evil)}`, { to: { ...to, name: `Bob${evil}` } }],
    [`recipient ${JSON.stringify(evil)}`, { to: { ...to, address: `bob@client.test${evil}` } }],
    [`sender's name ${JSON.stringify(evil)}`, { sender: { ...sender, displayName: `Ada${evil}` } }],
    [`sender ${JSON.stringify(evil)}`, { sender: { ...sender, address: `ada@brand.test${evil}` } }],
    [`message key ${JSON.stringify(evil)}`, { messageKey: `<a@b>${evil}` }],
  ]);
  broken.push(
    ["two recipients", { to: { ...to, address: "bob@client.test,eve@client.test" } }],
    ["a group", { to: { ...to, address: "all:bob@client.test,eve@client.test;" } }],
    ["a name in the address", { to: { ...to, address: "Bob <bob@client.test>" } }],
    ["no recipient", { to: { ...to, address: "" } }],
    ["no domain", { to: { ...to, address: "bob@" } }],
    ["no message key", { messageKey: "abc" }],
    ["a link with a script", { unsubscribeUrl: "javascript:alert(1)" }],
    ["a link of 1,000 characters", { unsubscribeUrl: `https://x.test/${"a".repeat(1_000)}` }],
  );
  test.each(broken)("rejects as INVALID: %s", async (_name, over) => {
    await expect(compose(over)).rejects.toMatchObject({ code: "INVALID" });
  });

  test("never loads files or URLs named in the text or HTML", async () => {
    const html = '<img src="/etc/hostname"><img src="http://127.0.0.1/"><img src="data:image/png;base64,AAAA">';
    const parsed = await simpleParser((await compose({ text: "/etc/hostname", html })).bytes);
    expect(parsed.attachments).toEqual([]);
    expect(parsed.html).toContain('src="/etc/hostname"');
  });

  test("adds no header or recipient for arbitrary subjects, names and texts", async () => {
    const words = fc.string({ unit: "binary", maxLength: 120 });
    const usual = [
      "Content-Transfer-Encoding",
      "Content-Type",
      "Date",
      "From",
      "MIME-Version",
      "Message-ID",
      "Subject",
      "To",
    ];
    await fc.assert(
      fc.asyncProperty(words, words, words, words, async (subject, name, displayName, text) => {
        const over = { subject, text, to: { ...to, name }, sender: { ...sender, displayName } };
        const made = await compose(over).catch(() => null);
        if (made === null) return expect(/[\r\n\0]/.test(subject + name + displayName)).toBe(true);
        const names = headers(made.bytes).map((line) => line.split(":")[0] ?? "");
        expect(names.filter((header) => !usual.includes(header))).toEqual([]);
        const parsed = await simpleParser(made.bytes);
        expect([parsed.to].flat()[0]?.value.map((one) => one.address)).toEqual(["bob@client.test"]);
        expect(parsed.from?.value.map((one) => one.address)).toEqual(["ada@brand.test"]);
        expect([made.from, made.to]).toEqual(["ada@brand.test", "bob@client.test"]);
      }),
      { numRuns: 200 },
    );
  }, 30_000);
});
