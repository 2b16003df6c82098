import type { Envelope, MailLogin, SmtpLogin } from "../../src/channels/channel.ts";

let count = 0;

/** Text larger than two socket buffers, so that a server that stops reading blocks the sender. */
export const LARGE_TEXT = "All work and no play. ".repeat(400_000);

/** Returns a login at a test server, by default without TLS and password. */
export function smtpLogin(port: number, over: Partial<SmtpLogin> = {}): SmtpLogin {
  return { host: "127.0.0.1", port, security: "NONE", username: null, password: null, ...over };
}

/** Returns a mail with a new Message-ID and a new sender, so that tests share no pooled connection. */
export function createEnvelope(smtp: MailLogin | null, over: Partial<Envelope> = {}): Envelope {
  count += 1;
  return {
    messageId: `m${count}`,
    channel: "EMAIL",
    messageKey: `<m${count}@reprise.test>`,
    sender: { id: `s${count}`, address: "ada@brand.test", displayName: "Ada", smtp },
    to: { address: "bob@client.test", name: "Bob" },
    subject: "Hello",
    text: "Hi Bob\n.\nBye",
    html: "<p>Hi Bob</p>",
    thread: [],
    unsubscribeUrl: null,
    ...over,
  };
}
