import { describe, expect, test } from "bun:test";
import { htmlToText } from "../../../src/lib/templates/html-text.ts";
import { type MailFooter, renderMail } from "../../../src/lib/templates/mail-body.ts";
import { buildVariables } from "../../../src/lib/templates/variables.ts";

const UNSUBSCRIBE = "https://mail.example.com/u/abc?x=1&y=2";
const ann = {
  firstName: "Ann",
  lastName: null,
  email: "ann@example.com",
  phone: null,
  company: "Tom & <Jerry>",
  custom: {},
};
const variables = buildVariables(ann, { name: "Acme" }, { name: "Bob", email: "bob@acme.example" }, UNSUBSCRIBE);

describe("renderMail", () => {
  const footer: MailFooter = {
    unsubscribeUrl: UNSUBSCRIBE,
    postalAddress: "1 Main St\nSpringfield",
    brandName: "Acme",
  };
  const mail = (body: string, subject: string | null = "Hi", over: Partial<MailFooter> = {}) =>
    renderMail({ subject, body }, variables, { ...footer, ...over });
  const escaped = UNSUBSCRIBE.replace("&", "&amp;");

  test("plain text body: is sent as plain text with the footer", () => {
    expect(mail("\nHi {{ firstName }} <ann@x.org>\n\n", "For {{ company }}")).toEqual({
      subject: "For Tom & <Jerry>",
      text: `Hi Ann <ann@x.org>\n\nAcme, 1 Main St, Springfield\nUnsubscribe: ${UNSUBSCRIBE}`,
      html: null,
      missing: [],
    });
  });

  test("HTML body: has a text part, and the footer in both parts", () => {
    const { text: plain, html } = mail("<html><body><p>Hi {{ company }}</p></BODY></html>");
    expect(plain).toBe(`Hi Tom & <Jerry>\n\nAcme, 1 Main St, Springfield\nUnsubscribe: ${UNSUBSCRIBE}`);
    expect(html).toBe(
      "<html><body><p>Hi Tom &amp; &lt;Jerry&gt;</p>\n" +
        '<p style="color:#666;font-size:12px">Acme, 1 Main St, Springfield<br>' +
        `<a href="${escaped}" style="color:inherit">Unsubscribe</a></p>\n</BODY></html>`,
    );
  });

  test("footer: leaves out the link and the address that the body already shows", () => {
    expect(mail("Stop: {{ unsubscribeUrl }}").text).toBe(`Stop: ${UNSUBSCRIBE}\n\nAcme, 1 Main St, Springfield`);
    expect(mail("Hi\n1 Main St\nSpringfield\n{{ unsubscribeUrl }}").text.match(/Springfield|abc/g)).toHaveLength(2);
    const own = mail('<p>1 Main St<br>Springfield <a href="{{ unsubscribeUrl }}">off</a></p>');
    expect(own.html).toBe(`<p>1 Main St<br>Springfield <a href="${escaped}">off</a></p>`);
    expect(own.text).toBe(`1 Main St\nSpringfield off (${UNSUBSCRIBE})`);
  });

  test("footer: counts a link as shown only when the reader sees it", () => {
    expect(mail("{% if phone %}{{ unsubscribeUrl }}{% endif %}Hi").text).toContain(`Unsubscribe: ${UNSUBSCRIBE}`);
    expect(mail("<p>Hi</p><!-- {{ unsubscribeUrl }} -->").html).toContain(`<a href="${escaped}"`);
  });

  test("footer: is empty without postal address and unsubscribe link", () => {
    expect(mail("Hi", null, { unsubscribeUrl: null, postalAddress: null })).toMatchObject({
      subject: null,
      text: "Hi",
    });
    expect(mail("<p>Hi</p>", null, { unsubscribeUrl: null, postalAddress: null }).html).toBe("<p>Hi</p>");
    expect(mail("Hi", null, { unsubscribeUrl: null, postalAddress: "Acme, 1 Main St" }).text).toBe(
      "Hi\n\nAcme, 1 Main St",
    );
  });

  test("missing variables of subject and body: are listed once each", () => {
    expect(mail("{{ nick }} {{ phone }}", "{{ nick }}").missing).toEqual(["nick", "phone"]);
  });

  test("subject: becomes one line of at most 998 bytes with the header name", () => {
    const subject = (source: string, value = "") =>
      renderMail({ subject: source, body: "" }, { value }, footer).subject ?? "";
    expect(subject("Hi {{ value }}", "Ann\r\nBcc: x@y.z\u0000\u2028\u0085")).toBe("Hi Ann Bcc: x@y.z");
    expect(subject(" a \n\t b ")).toBe("a b");
    expect(subject("x".repeat(2000))).toBe("x".repeat(989));
    expect(subject("👋".repeat(500))).toBe("👋".repeat(247));
  });
});

describe("htmlToText", () => {
  test.each([
    ["<p>One</p><p>Two<br>lines</p>", "One\n\nTwo\nlines"],
    ["<div>a</div><div>b</div>", "a\n\nb"],
    ["<ul><li>a</li><li>b <b>c</b></li></ul>x", "- a\n\n- b c\n\nx"],
    ['<a href="https://x.org/?a=1&amp;b=2">here</a>', "here (https://x.org/?a=1&b=2)"],
    ["<a href=https://x.org>https://x.org</a> <a href='mailto:a@x.org'>a@x.org</a>", "https://x.org a@x.org"],
    ['<a href="#top">top</a><a name=x>y</a>', "topy"],
    ['<a href="https://x.org"><img src="a.png" alt="Logo"></a><img src=b.png>', "Logo (https://x.org)"],
    ["<style>p { color: red }</style><script>if (a < b) x()</script>a<!-- b <p> -->c", "ac"],
    ["a &amp; b &lt;c&gt; &nbsp;&eacute; &#8364;&#x20AC; &unknown; &", "a & b <c> é €€ &unknown; &"],
    ["1 < 2, <3, <ann@x.org>", "1 < 2, <3, <ann@x.org>"],
    ["  a\n   b\t c  ", "a b c"],
    ['<p title="a > b">x</p>', "x"],
    ["<p", "<p"],
    ["", ""],
  ])("converts %j", (html, expected) => {
    expect(htmlToText(html)).toBe(expected);
  });

  test("takes linear time for unclosed and repeated markup", () => {
    const start = performance.now();
    for (const piece of ["<!--", "<a ", '<a "', "<a '\"", "<p>", "&#", "<a href=", " \n", "<style>"])
      htmlToText(piece.repeat(200_000));
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
