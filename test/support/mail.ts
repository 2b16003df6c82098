import type { Envelope, MailLogin, SmtpLogin } from "../../src/channels/channel.ts";

let count = 0;

/** More text than two sockets hold, so that a server which stops reading stops us, too. */
export const bulk = "All work and no play. ".repeat(400_000);

/** A login at a test server: in the clear and without a password, where nothing else is said. */
export function smtpLogin(port: number, over: Partial<SmtpLogin> = {}): SmtpLogin {
  return { host: "127.0.0.1", port, security: "NONE", username: null, password: null, ...over };
}

/** A mail with a Message-ID of its own and, so that no test takes up another's connection, a sender of its own. */
export function mailThrough(smtp: MailLogin | null, over: Partial<Envelope> = {}): Envelope {
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
