import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseBounce } from "../../../src/modules/replies/bounce.ts";
import { classify, type InboundMessage, type Intent } from "../../../src/modules/replies/classify.ts";
import { parseConsentRequest } from "../../../src/modules/replies/opt-out.ts";
import { stripQuotedText } from "../../../src/modules/replies/quoted.ts";
import { scoreSentiment } from "../../../src/modules/replies/sentiment.ts";
import { LINES, MAILS, MISREADINGS, REPORTS } from "../../fixtures/replies.ts";

const OPTIONS = { hostileBelow: -0.6 };

function bare(channel: InboundMessage["channel"], text: string): InboundMessage {
  return { channel, subject: channel === "EMAIL" ? "Re: Roof" : null, text, headers: {} };
}

describe("reply classification", () => {
  test.each(LINES.map(([channel, text, intent]) => [intent, channel, text] as const))(
    "intent %s for the %s message %j",
    (intent, channel, text) => {
      expect(classify(bare(channel, text), OPTIONS).intent).toBe(intent);
    },
  );

  test.each(MISREADINGS)(
    "known misreading: the %s message %j means %s and is classified as %s",
    (channel, text, _meant, read) => {
      expect(classify(bare(channel, text), OPTIONS).intent).toBe(read);
    },
  );

  test.each(MAILS.map((mail) => [mail.intent, mail.about, mail] as const))(
    'intent %s for the e-mail "%s"',
    (intent, _about, mail) => {
      const read = classify(
        { channel: "EMAIL", subject: mail.subject, text: mail.text, headers: mail.headers ?? {} },
        OPTIONS,
      );
      expect(read.intent).toBe(intent);
      if (mail.written !== undefined) expect(read.written).toBe(mail.written);
    },
  );

  test("a result has the fields of its intent and no others", () => {
    const stop = classify(bare("SMS", "Please take me off your list!"), OPTIONS);
    expect(stop).toMatchObject({
      intent: "OPT_OUT",
      matched: "take me off your list",
      written: "Please take me off your list!",
    });
    expect(stop.sentimentScore).toBeNumber();
    const angry = classify(bare("SMS", "fuck off you spammer, I'll sue you"), OPTIONS);
    expect(angry).toMatchObject({ intent: "HOSTILE", matched: null });
    expect(angry.sentimentScore).toBeLessThan(-0.6);
    const autoReply = classify({ ...bare("EMAIL", "STOP"), subject: "Automatic reply: Roof" }, OPTIONS);
    expect(autoReply).toEqual({ intent: "AUTO_REPLY", sentimentScore: null, matched: null, written: "STOP" });
    expect(classify({ ...bare("EMAIL", ""), text: null }, OPTIONS).sentimentScore).toBeNull();
  });

  test("hostileBelow decides which sentiment score is HOSTILE", () => {
    const intents = [-1, -0.6, 1].map(
      (hostileBelow) => classify(bare("SMS", "Worst spam ever. Idiots."), { hostileBelow }).intent,
    );
    expect(intents).toEqual(["REPLY", "HOSTILE", "HOSTILE"]);
  });
});

describe("bounces", () => {
  test.each(REPORTS.map((report) => [report.about, report] as const))(
    'a mail with the report "%s" is parsed and classified as expected',
    (_about, report) => {
      const mail = {
        contentType: report.contentType ?? "text/plain",
        text: report.text,
        headers: report.headers ?? {},
      };
      const bounce = parseBounce(mail);
      if (report.bounce === null) expect(bounce).toBeNull();
      else expect(bounce).toMatchObject(report.bounce);
      const read = classify({ channel: "EMAIL", subject: mail.headers.subject ?? null, ...mail }, OPTIONS);
      expect(read.intent === "BOUNCE").toBe(bounce !== null);
      expect(read.bounce ?? null).toEqual(bounce);
    },
  );

  test("a text message is never classified as a bounce", () => {
    expect(classify({ ...bare("SMS", REPORTS[0]?.text ?? ""), subject: "Undeliverable" }, OPTIONS).intent).toBe(
      "REPLY",
    );
  });
});

describe("sentiment score", () => {
  const table: readonly (readonly [string, number, number])[] = [
    ["", 0, 0],
    ["no thanks", -0.1, 1],
    ["Not interested, thanks", 0, 1],
    ["not interested", -0.6, 0],
    ["Unfortunately no, sorry, we have no need.", -0.6, 0.5],
    ["My mother is dying and we are bankrupt. Bad time.", -0.6, 0],
    ["Our vendor fails all the time, huge problem, we lost leads. Help!", -0.6, 1],
    ["Love it, great work!", 0.6, 1],
    ["fuck off you spammer, I'll sue you", -1, -0.6],
    ["Fuck off. Thanks!", -1, -0.6],
    ["Go to hell, scammers", -1, -0.6],
    ["I’ll report you to the FCC", -1, -0.6],
    ["This is the worst, most disgusting email I ever got, idiot", -1, -0.6],
  ];
  test.each(table)("a score of %j is between %d and %d", (text, low, high) => {
    const score = scoreSentiment(text);
    expect(score).toBeGreaterThanOrEqual(low);
    expect(score).toBeLessThanOrEqual(high);
  });
});

describe("reply classification of random texts", () => {
  const channel = fc.constantFrom<InboundMessage["channel"]>("EMAIL", "SMS", "VOICEMAIL");
  const shard = fc.constantFrom(
    ">",
    "\n",
    "On ",
    "wrote:",
    "stop ",
    "don't ",
    "-- ",
    "From: ",
    "Sent: ",
    "<a@b.c>",
    "2026",
    "unsub",
    "me ",
    "“",
    "é",
    "🖕",
    "Action: failed\n",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.array(fc.oneof(shard, fc.string({ maxLength: 6 })), { maxLength: 80 }).map((parts) => parts.join("")),
  );
  const optional = fc.option(text);

  test("returns a known intent, a score within -1 and 1, and only written lines of the text, without throwing", () => {
    const intents: readonly Intent[] = ["OPT_OUT", "OPT_IN", "HOSTILE", "AUTO_REPLY", "BOUNCE", "REPLY"];
    fc.assert(
      fc.property(
        channel,
        optional,
        optional,
        fc.dictionary(fc.constantFrom("from", "precedence", "auto-submitted", "content-type"), text),
        (way, subject, body, headers) => {
          const read = classify({ channel: way, subject, text: body, headers }, OPTIONS);
          expect(intents).toContain(read.intent);
          for (const line of read.written.split("\n")) expect(body ?? "").toContain(line.trim());
          expect(Math.abs(read.sentimentScore ?? 0)).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("removing quotations a second time changes nothing", () => {
    fc.assert(
      fc.property(text, (body) => expect(stripQuotedText(stripQuotedText(body))).toBe(stripQuotedText(body))),
      { numRuns: 500 },
    );
  });

  test("an e-mail never means OPT_IN", () => {
    fc.assert(fc.property(text, (body) => expect(parseConsentRequest(body, "EMAIL")?.kind).not.toBe("OPT_IN")));
  });
});

describe("reply classification of 100,000 hostile characters", () => {
  const LENGTH = 100_000;
  /** Each piece was, or is meant to be, the worst case of some pattern. */
  const pieces = [
    ">",
    "> ",
    "\n",
    " ",
    "\t\n",
    "On ",
    "On\n",
    "On 1 ",
    "On 1\nwrote\n",
    "From:\n",
    "From:\nSent:\n",
    "On 2026 <a@b.c>:\n> x\n\n",
    "-",
    "--\n",
    "_",
    "stop ",
    "stop",
    "s t ",
    "don't ",
    "do not want ",
    "please ",
    "you to ",
    "remove me ",
    "don't remove me ",
    "don't call me ",
    "stop sending a b c ",
    "unsubscribe ",
    "unsubscribd ",
    "i want to ",
    "no me ",
    "nehmen sie mich a ",
    "take me a off ",
    ", ",
    ",",
    ".",
    "https://",
    "http://a ",
    "a@",
    "<a@",
    "a ",
    "é",
    "\u0301",
    "ﷺ",
    "🖕",
    "fuck ",
    "i'll ",
    "I'm driving ",
    "Liked “",
    "automatic",
    "550 ",
    "5.1.1",
    "#5.",
    "Final-Recipient: x\n\n",
    "Action: failed\n\n",
    "\n ",
    "out of office ",
    "for urgent ",
    "a:",
    "x\u200b",
    "ooo",
    "for urgent a",
    "“Liked",
    "\r",
    "a字",
    "stop texting a a , ",
    "delete my a , ",
    "not ",
  ];
  test.each(pieces)("a text of repeated %j is classified and parsed within 200 ms", (piece) => {
    const body = piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH);
    const reports = { from: `mailer-daemon ${body}`, "return-path": body };
    const readings = [
      () => classify({ channel: "EMAIL", subject: body, text: `${body}\nx`, headers: {} }, OPTIONS),
      () => classify({ channel: "SMS", subject: null, text: body, headers: {} }, OPTIONS),
      () => parseBounce({ contentType: "message/delivery-status", text: body, headers: reports }),
    ];
    for (const read of readings) expect(Math.min(elapsedMs(read), elapsedMs(read), elapsedMs(read))).toBeLessThan(200);
  });

  /** Returns the elapsed milliseconds. A time is asserted here only, to find patterns with exponential run time. */
  function elapsedMs(read: () => unknown): number {
    const start = performance.now();
    read();
    return performance.now() - start;
  }
});
