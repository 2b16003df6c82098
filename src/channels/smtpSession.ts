import { isIP } from "node:net";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpLogin } from "./channel.ts";
import type { Mail } from "./mail.ts";

/** Milliseconds after which an answer is no longer waited for. */
export interface SmtpTimeouts {
  /** From the first packet to the finished login. */
  connect: number;
  /** From `send` to the final dot: waiting for a connection, connecting, addresses and content. */
  session: number;
  /** From the final dot to its answer. RFC 5321 (4.5.3.2.6) wishes for ten minutes; each one less makes outcomes unknown. */
  commit: number;
}

/** What a server did with a mail. */
export type Delivery =
  | { accepted: true; reply: string }
  /** `contentStarted`: the server asked for the content. `dotSent`: the end of the content may have reached it. */
  | { accepted: false; error: unknown; contentStarted: boolean; dotSent: boolean };

/** The server said nothing for too long. */
export class TookTooLong extends Error {}

/** Gives out access tokens: not the one that was refused. */
export type TokenSource = (refused: string | null) => Promise<string>;

/** There are a user name and a password, and no way to use them. */
export class NoLoginOffered extends Error {}

const GOODBYE_MILLISECONDS = 2_000;
/** A server that takes longer over RSET is slower than a new connection. */
const RESET_MILLISECONDS = 5_000;
const SLICE_BYTES = 16_384;

/**
 * One connection to a mail server, logged in. It carries one mail at a time, and each mail once: nothing here tries again.
 */
export class SmtpSession {
  readonly #connection: SMTPConnection;
  readonly #timeouts: SmtpTimeouts;
  /** Told when the connection is lost; an error that nobody listens to would end the process. */
  #onLoss: (error: unknown) => void = () => {};
  #used = 0;

  private constructor(connection: SMTPConnection, timeouts: SmtpTimeouts) {
    this.#connection = connection;
    this.#timeouts = timeouts;
    connection.on("error", (error) => this.#onLoss(error));
    // What the client knows better about an end, it tells right after it.
    connection.once("end", () => queueMicrotask(() => this.#onLoss(new Error("the connection was closed"))));
  }

  /**
   * Connects to a checked address and logs in. Certificates are verified, always, for the name the tenant gave.
   * @param address from `resolveHost`, not a name, so that nothing is looked up again
   * @param authorities certificate authorities to trust besides the usual ones, PEM
   * @param token where the login is by token, not by password
   * @throws what `smtpOutcome.ts` reads; nothing was sent then
   */
  static async open(
    login: SmtpLogin,
    address: string,
    timeouts: SmtpTimeouts,
    authorities: readonly string[],
    token: TokenSource | null,
  ): Promise<SmtpSession> {
    const connection = new SMTPConnection({
      host: address,
      port: login.port,
      secure: login.security === "TLS",
      requireTLS: login.security === "STARTTLS",
      ignoreTLS: login.security === "NONE",
      // Certificates name hosts; one for an address is checked against the address itself.
      ...(isIP(login.host) === 0 ? { servername: login.host } : {}),
      tls: {
        minVersion: "TLSv1.2",
        rejectUnauthorized: true,
        ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
      },
      connectionTimeout: timeouts.connect,
      greetingTimeout: timeouts.connect,
      customAuth: { [TOKEN]: presentToken },
      // What a silence means depends on the step, so it is judged here and not by the client.
      socketTimeout: 2 * (timeouts.session + timeouts.commit),
    });
    const session = new SmtpSession(connection, timeouts);
    const deadline = performance.now() + timeouts.connect;
    try {
      await session.#exchange<void>(timeouts.connect, (done) => connection.connect((error) => done(error)));
      const left = () => deadline - performance.now();
      if (token === null) await session.#logIn(login, left());
      else await session.#logInByToken(login, token, left);
      return session;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Mails it was given so far. */
  get used(): number {
    return this.#used;
  }

  /**
   * Hands one mail over. Does not throw.
   * @param within milliseconds until the final dot must be out
   */
  async deliver(mail: Mail, within: number): Promise<Delivery> {
    this.#used += 1;
    const progress = { contentStarted: false, dotSent: false };
    const deadline = performance.now() + within;
    try {
      const { response } = await this.#exchange<SMTPConnection.SentMessageInfo>(within, (done, allow) => {
        const content = Readable.from(slices(mail.bytes, progress), { objectMode: false, highWaterMark: SLICE_BYTES });
        // The client writes the final dot upon this same event, so until it, no dot is out.
        content.once("end", () => {
          // The timer says so as well, but in a process that was stopped it may come after this.
          if (performance.now() >= deadline) return this.#onLoss(new TookTooLong("the time to send was over"));
          progress.dotSent = true;
          allow(this.#timeouts.commit);
        });
        this.#connection.send({ from: mail.from, to: mail.to, size: mail.bytes.length }, content, done);
      });
      if (progress.dotSent) return { accepted: true, reply: response };
      // A server that accepts a message before its end may well keep what it has of it.
      return { accepted: false, error: new Error("accepted before the end"), contentStarted: true, dotSent: true };
    } catch (error) {
      return { accepted: false, error, ...progress };
    }
  }

  /** Ends the transaction of a refused mail (RSET). False when the connection is of no further use. */
  reset(): Promise<boolean> {
    return this.#exchange<true>(RESET_MILLISECONDS, (done) =>
      this.#connection.reset((error) => done(error, true)),
    ).catch(() => false);
  }

  /** Runs once when the connection is gone, whoever ended it. */
  onEnd(listener: () => void): void {
    this.#connection.once("end", listener);
  }

  /** Says goodbye, and does not wait for the answer for long. */
  quit(): void {
    setTimeout(() => this.close(), GOODBYE_MILLISECONDS).unref();
    this.#connection.quit();
  }

  /** Ends the connection at once, and with it a running delivery. */
  close(): void {
    this.#connection.close();
  }

  async #logIn(login: SmtpLogin, within: number): Promise<void> {
    if (login.username === null) return;
    // Sending without the login we were given could make a mail go out in nobody's name.
    if (!this.#connection.allowsAuth) throw new NoLoginOffered("the server offers no login");
    const credentials = { user: login.username, pass: login.password ?? "" };
    await this.#exchange<void>(within, (done) => this.#connection.login({ credentials }, (error) => done(error)));
  }

  /** XOAUTH2, as Gmail has it. A token that is refused may have been withdrawn early: another one is tried, once. */
  async #logInByToken({ username }: SmtpLogin, source: TokenSource, left: () => number): Promise<void> {
    if (!this.#connection.allowsAuth) throw new NoLoginOffered("the server offers no login");
    const first = await source(null);
    try {
      await this.#presentToken(username ?? "", first, left());
    } catch (error) {
      if (clientError(error).code !== "EAUTH" || clientError(error).responseCode === undefined) throw error;
      await this.#presentToken(username ?? "", await source(first), left());
    }
  }

  #presentToken(user: string, token: string, within: number): Promise<void> {
    const auth = { method: TOKEN, credentials: { user, pass: token } };
    return this.#exchange<void>(within, (done) => this.#connection.login(auth, (error) => done(error)));
  }

  /** Runs one command; it ends with its answer, the loss of the connection, or when the time allowed is over. */
  async #exchange<T>(
    within: number,
    run: (done: (error: unknown, value?: T) => void, allow: (milliseconds: number) => void) => void,
  ): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const allow = (milliseconds: number) => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            reject(new TookTooLong(`no answer within ${milliseconds} ms`));
            this.close();
          }, milliseconds);
        };
        this.#onLoss = reject;
        allow(within);
        run((error, value) => (error ? reject(error) : resolve(value as T)), allow);
      });
    } finally {
      clearTimeout(timer);
      this.#onLoss = () => {};
    }
  }
}

/** The client's name for our way to log in by token; its own would fetch tokens by itself. */
const TOKEN = "TOKEN";

/** The exchange of XOAUTH2: a refusal comes as a challenge, and the server's word only after an empty answer to it. */
async function presentToken({ auth, sendCommand }: SMTPConnection.CustomAuthenticationContext): Promise<void> {
  const { user, pass } = auth.credentials;
  const token = Buffer.from(`user=${user}\x01auth=Bearer ${pass}\x01\x01`).toString("base64");
  let reply = await sendCommand(`AUTH XOAUTH2 ${token}`);
  if (reply.status === 334) reply = await sendCommand("");
  if (reply.status !== 235) throw new Error("the token was refused");
}

/** The content in pieces, each made when the connection has room for it. */
function* slices(bytes: Buffer, progress: { contentStarted: boolean }): Generator<Buffer> {
  progress.contentStarted = true;
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) yield bytes.subarray(start, start + SLICE_BYTES);
}

/** True when the connection turned out to be over before the mail's content was asked for. */
export function hadEnded(delivery: Delivery): boolean {
  if (delivery.accepted || delivery.contentStarted || delivery.error instanceof TookTooLong) return false;
  const { code, responseCode } = clientError(delivery.error);
  // What ends without a reply, or with 421 (RFC 5321 section 3.8), was ended by the other side.
  return responseCode === 421 || (responseCode === undefined && code !== "EMESSAGE" && code !== "EENVELOPE");
}

/** True when the mail was refused in order, so that the connection can carry another one. */
export function keepsConnection(delivery: Delivery): boolean {
  if (delivery.accepted) return true;
  const { code, responseCode } = clientError(delivery.error);
  const refused = responseCode !== undefined && responseCode !== 421 && (code === "EENVELOPE" || code === "EMESSAGE");
  // Refused in the middle of the content, the server takes the rest of it for commands.
  return refused && (delivery.dotSent || !delivery.contentStarted);
}

/** The client's errors carry the server's answer, and the command that it answers. */
export function clientError(error: unknown): SMTPConnection.SMTPError {
  return error instanceof Error ? error : new Error("unknown failure");
}
