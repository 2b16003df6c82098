import { isIP } from "node:net";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpLogin } from "../channel.ts";
import type { Mail } from "./mail.ts";
import { type Delivery, NoLoginOfferedError, SmtpTimeoutError, toSmtpError } from "./smtp-delivery.ts";

/** Timeouts in milliseconds. */
export interface SmtpTimeouts {
  /** Time from the first packet to the finished login. */
  connect: number;
  /** Time from `send` to the final dot: waiting for a connection, connecting, addresses and content. */
  session: number;
  /**
   * Time from the final dot to its reply. RFC 5321 (4.5.3.2.6) recommends ten minutes; a shorter time leaves more outcomes
   * unknown.
   */
  commit: number;
}

/** Gets an access token other than the refused one. */
export type TokenSource = (refused: string | null) => Promise<string>;

const QUIT_TIMEOUT_MS = 2_000;
/** A server that takes longer for RSET is slower than a new connection. */
const RESET_TIMEOUT_MS = 5_000;
const SLICE_BYTES = 16_384;

/**
 * A logged-in connection to a mail server. It sends one mail at a time, and each mail once: nothing here retries.
 */
export class SmtpSession {
  readonly #connection: SMTPConnection;
  readonly #timeouts: SmtpTimeouts;
  /** Called when the connection is lost; an error without a listener would end the process. */
  #onLoss: (error: unknown) => void = () => {};
  #used = 0;

  private constructor(connection: SMTPConnection, timeouts: SmtpTimeouts) {
    this.#connection = connection;
    this.#timeouts = timeouts;
    connection.on("error", (error) => this.#onLoss(error));
    // The client emits a more precise error right after the end.
    connection.once("end", () => queueMicrotask(() => this.#onLoss(new Error("the connection was closed"))));
  }

  /**
   * Connects to a checked address and logs in. Certificates are always verified for the host name of the login.
   * @param address from `resolveHost`, not a name, so that it is not resolved again
   * @param authorities certificate authorities (PEM) to trust besides the default ones
   * @param token for a login by token instead of password
   * @throws errors that `toFailureOutcome` maps; nothing was sent then
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
      // Without a servername, the certificate is checked against the address.
      ...(isIP(login.host) === 0 ? { servername: login.host } : {}),
      tls: {
        minVersion: "TLSv1.2",
        rejectUnauthorized: true,
        ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
      },
      connectionTimeout: timeouts.connect,
      greetingTimeout: timeouts.connect,
      customAuth: { [TOKEN_METHOD]: presentToken },
      // A timeout has a different meaning in each step, so this class sets its own ones.
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

  /** The number of mails it was given. */
  get mailCount(): number {
    return this.#used;
  }

  /**
   * Sends one mail. Does not throw.
   * @param withinMs time until the final dot must be sent
   */
  async deliver(mail: Mail, withinMs: number): Promise<Delivery> {
    this.#used += 1;
    const progress = { contentStarted: false, dotSent: false };
    const deadline = performance.now() + withinMs;
    try {
      const { response } = await this.#exchange<SMTPConnection.SentMessageInfo>(withinMs, (done, allow) => {
        const content = Readable.from(toSlices(mail.bytes, progress), {
          objectMode: false,
          highWaterMark: SLICE_BYTES,
        });
        // The client sends the final dot on this same event, so no dot has been sent before it.
        content.once("end", () => {
          // Checked besides the timer, which may fire later in a process that was suspended.
          if (performance.now() >= deadline)
            return this.#onLoss(new SmtpTimeoutError("the deadline to send has passed"));
          progress.dotSent = true;
          allow(this.#timeouts.commit);
        });
        this.#connection.send({ from: mail.from, to: mail.to, size: mail.bytes.length }, content, done);
      });
      if (progress.dotSent) return { accepted: true, reply: response };
      // A server that accepts a message before its end may keep a part of it.
      return {
        accepted: false,
        error: new Error("accepted before the end of the message"),
        contentStarted: true,
        dotSent: true,
      };
    } catch (error) {
      return { accepted: false, error, ...progress };
    }
  }

  /** Resets the session after a refused mail (RSET). False when the connection cannot be used any more. */
  reset(): Promise<boolean> {
    return this.#exchange<true>(RESET_TIMEOUT_MS, (done) => this.#connection.reset((error) => done(error, true))).catch(
      () => false,
    );
  }

  /** Calls the listener once when the connection has ended. */
  onEnd(listener: () => void): void {
    this.#connection.once("end", listener);
  }

  /** Sends QUIT and closes the connection after the reply or a short timeout. */
  quit(): void {
    setTimeout(() => this.close(), QUIT_TIMEOUT_MS).unref();
    this.#connection.quit();
  }

  /** Closes the connection at once; a running delivery fails. */
  close(): void {
    this.#connection.close();
  }

  async #logIn(login: SmtpLogin, withinMs: number): Promise<void> {
    if (login.username === null) return;
    // Sending without the given login could send a mail in the name of no account.
    if (!this.#connection.allowsAuth) throw new NoLoginOfferedError("the server offers no login");
    const credentials = { user: login.username, pass: login.password ?? "" };
    await this.#exchange<void>(withinMs, (done) => this.#connection.login({ credentials }, (error) => done(error)));
  }

  /** Logs in with XOAUTH2 as Gmail implements it. A refused token may have been revoked early, so a new one is tried once. */
  async #logInByToken({ username }: SmtpLogin, source: TokenSource, left: () => number): Promise<void> {
    if (!this.#connection.allowsAuth) throw new NoLoginOfferedError("the server offers no login");
    const first = await source(null);
    try {
      await this.#presentToken(username ?? "", first, left());
    } catch (error) {
      if (toSmtpError(error).code !== "EAUTH" || toSmtpError(error).responseCode === undefined) throw error;
      await this.#presentToken(username ?? "", await source(first), left());
    }
  }

  #presentToken(user: string, token: string, withinMs: number): Promise<void> {
    const auth = { method: TOKEN_METHOD, credentials: { user, pass: token } };
    return this.#exchange<void>(withinMs, (done) => this.#connection.login(auth, (error) => done(error)));
  }

  /** Runs one command until its reply, the loss of the connection, or the timeout. */
  async #exchange<T>(
    withinMs: number,
    run: (done: (error: unknown, value?: T) => void, allow: (milliseconds: number) => void) => void,
  ): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const allow = (milliseconds: number) => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            reject(new SmtpTimeoutError(`no answer within ${milliseconds} ms`));
            this.close();
          }, milliseconds);
        };
        this.#onLoss = reject;
        allow(withinMs);
        run((error, value) => (error ? reject(error) : resolve(value as T)), allow);
      });
    } finally {
      clearTimeout(timer);
      this.#onLoss = () => {};
    }
  }
}

/** The name of our authentication method; the client's own XOAUTH2 would fetch tokens by itself. */
const TOKEN_METHOD = "TOKEN";

/** Runs XOAUTH2: a rejection comes as a challenge, and the server's reply only after an empty response to it. */
async function presentToken({ auth, sendCommand }: SMTPConnection.CustomAuthenticationContext): Promise<void> {
  const { user, pass } = auth.credentials;
  const token = Buffer.from(`user=${user}\x01auth=Bearer ${pass}\x01\x01`).toString("base64");
  let reply = await sendCommand(`AUTH XOAUTH2 ${token}`);
  if (reply.status === 334) reply = await sendCommand("");
  if (reply.status !== 235) throw new Error("the token was refused");
}

/** Yields the content in slices, on demand. */
function* toSlices(bytes: Buffer, progress: { contentStarted: boolean }): Generator<Buffer> {
  progress.contentStarted = true;
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) yield bytes.subarray(start, start + SLICE_BYTES);
}
