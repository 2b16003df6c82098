import { appendFileSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { PROJECT_ROOT } from "../project-root.ts";

/** Mail that the server took responsibility for, whether or not its reply reached the client. */
export interface ReceivedMail {
  messageId: string;
  to: string;
  /** Content as sent, dots unstuffed. */
  raw: string;
}

export interface TestSmtpServer {
  port: number;
  received: ReceivedMail[];
  /** Number of connections that are open, and in total. */
  connections: { open: number; ever: number };
  stop(): Promise<void>;
}

export interface SmtpServerOptions {
  port?: number;
  /** NONE by default. */
  security?: "TLS" | "STARTTLS" | "NONE";
  /** Certificate and key, PEM; `certificate("localhost")` by default. */
  certificate?: string;
  /** Login that it requires; without it any client may send. */
  login?: { username: string; password: string };
  /** Access tokens that it accepts (XOAUTH2); with `rejectsAtOnce` it rejects others without a challenge. */
  tokens?: { valid: Set<string>; rejectsAtOnce?: boolean };
  /** File that gets a line `<Message-ID> recipient` for each mail before it is acknowledged. */
  acceptedFile?: string;
  /** Milliseconds before it replies to RCPT, and before it records a mail after its final dot. */
  delayMs?: () => number;
  /** Milliseconds between recording a mail and its reply. */
  replyDelayMs?: number | (() => number);
}

/** Returns a self-signed certificate and its key, for `localhost` or for `elsewhere.example`. */
export function loadCertificate(name: "localhost" | "elsewhere"): string {
  return readFileSync(join(PROJECT_ROOT, `test/fixtures/smtp/${name}.pem`), "utf8");
}

/** Starts a well-behaved mail server on 127.0.0.1. */
export async function startSmtpServer(options: SmtpServerOptions = {}): Promise<TestSmtpServer> {
  const { security = "NONE", certificate: pem = loadCertificate("localhost"), login, tokens, acceptedFile } = options;
  const { delayMs = () => 0, replyDelayMs = 0 } = options;
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    secure: security === "TLS",
    cert: pem,
    key: pem,
    disabledCommands: [...(security === "NONE" ? ["STARTTLS"] : []), ...(login || tokens ? [] : ["AUTH"])],
    authMethods: tokens ? ["PLAIN", "LOGIN", "XOAUTH2"] : ["PLAIN", "LOGIN"],
    allowInsecureAuth: security === "NONE",
    authOptional: login === undefined && tokens === undefined,
    disableReverseLookup: true,
    closeTimeout: 10,
    onAuth({ method, username, password, accessToken }, _session, callback) {
      if (method === "XOAUTH2") {
        if (tokens?.valid.has(accessToken ?? "")) callback(null, { user: username });
        // Gmail does not repeat the token in its error; this server does, as others might.
        else if (tokens?.rejectsAtOnce) callback(new Error(`5.7.8 ${accessToken} not accepted`));
        else callback(null, { data: { status: "401", schemes: "bearer", scope: "https://mail.google.com/" } });
      } else if (username === login?.username && password === login?.password) callback(null, { user: username });
      else callback(new Error("Invalid username or password"));
    },
    onRcptTo: (_address, _session, callback) => after(delayMs(), callback),
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = [];
      const take = () => {
        const mail = receivedMail(Buffer.concat(chunks).toString(), envelope.rcptTo[0]?.address ?? "");
        if (acceptedFile !== undefined) appendFileSync(acceptedFile, `${mail.messageId} ${mail.to}\n`);
        received.push(mail);
        const answer = `queued as ${received.length}`;
        setTimeout(callback, typeof replyDelayMs === "number" ? replyDelayMs : replyDelayMs(), null, answer);
      };
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => after(delayMs(), take));
    },
  });
  // Clients may hang up at any time.
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return { received, ...watch(server.server), stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Replaces a normal reply of a scripted server: closes the connection, stops reading, or sends this line. */
export type ScriptedReply = ReplyAction | ((line: string) => ReplyAction);
type ReplyAction = "drop" | "reset" | "hang" | `${number}${" " | "-"}${string}`;

export interface SmtpScript {
  connect?: ScriptedReply;
  /** Offers a login, and replies to it like this. */
  auth?: ScriptedReply;
  mail?: ScriptedReply;
  rcpt?: ScriptedReply;
  data?: ScriptedReply;
  /** Happens in the middle of the content, of which no more is read. */
  content?: ScriptedReply;
  /** Happens after the final dot. The mail was taken unless this is an error. */
  dot?: ScriptedReply;
  /** Happens right after a mail was accepted. */
  afterwards?: ScriptedReply;
  /** Extensions offered, such as PIPELINING. */
  offers?: string[];
  /** Milliseconds until the greeting. */
  bannerAfter?: number;
}

/** Starts a mail server on 127.0.0.1 that misbehaves by a script. It has no TLS. */
export async function startScriptedSmtpServer(script: SmtpScript): Promise<TestSmtpServer> {
  const received: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    setTimeout(() => converse(socket, script, received), script.bannerAfter ?? 0);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { received, ...watch(server), stop };
}

function converse(socket: Socket, script: SmtpScript, received: ReceivedMail[]): void {
  let pending = "";
  let recipient: string | null = null;
  let mode: "commands" | "content" | "deaf" = "commands";

  function react(reaction: ScriptedReply, line = ""): void {
    const action = typeof reaction === "function" ? reaction(line) : reaction;
    if (action === "drop") socket.destroy();
    else if (action === "reset") socket.resetAndDestroy();
    else if (action === "hang") socket.pause();
    else {
      socket.write(`${action}\r\n`);
      if (action.startsWith("421")) socket.end();
    }
  }

  const answers: Record<string, (line: string) => void> = {
    EHLO: () => {
      const lines = ["test", ...(script.offers ?? []), ...(script.auth ? ["AUTH PLAIN"] : []), "8BITMIME"];
      react(lines.map((line, n) => `250${n === lines.length - 1 ? " " : "-"}${line}`).join("\r\n") as `250 ${string}`);
    },
    AUTH: (line) => react(script.auth ?? "235 2.7.0 welcome", line),
    MAIL: (line) => react(script.mail ?? "250 2.1.0 ok", line),
    RCPT: (line) => {
      recipient = isRefusal(script.rcpt) ? null : (/<(.*)>/.exec(line)?.[1] ?? null);
      react(script.rcpt ?? "250 2.1.5 ok", line);
    },
    DATA: () => {
      const usual = recipient === null ? "554 5.5.1 no valid recipients" : "354 go ahead";
      if (usual.startsWith("354") && !isRefusal(script.data)) mode = "content";
      react(script.data ?? usual);
    },
    RSET: () => react("250 2.0.0 ok"),
    QUIT: () => react("221 2.0.0 bye"),
  };

  function finish(content: string): void {
    mode = "commands";
    if (!isRefusal(script.dot)) received.push(receivedMail(content.replace(/^\.\./gm, "."), recipient ?? ""));
    react(script.dot ?? "250 2.0.0 Ok: queued as 4711");
    if (script.afterwards) react(script.afterwards);
  }

  socket.on("data", (chunk) => {
    const searched = Math.max(0, pending.length - 4);
    pending += chunk.toString("latin1");
    if (mode === "content" && script.content) {
      mode = "deaf";
      if (script.content.toString().startsWith("2")) received.push(receivedMail(pending, recipient ?? ""));
      react(script.content);
      socket.pause();
    }
    for (let from = mode === "content" ? searched : 0; mode !== "deaf"; from = 0) {
      const ending = mode === "content" ? "\r\n.\r\n" : "\r\n";
      const end = pending.indexOf(ending, from);
      if (end < 0) return;
      const piece = pending.slice(0, end);
      pending = pending.slice(end + ending.length);
      if (mode === "content") finish(piece);
      else (answers[piece.slice(0, 4).toUpperCase()] ?? (() => react("502 5.5.1 unknown")))(piece);
    }
    pending = "";
  });
  react(script.connect ?? "220 test ESMTP");
}

/** Calls back after the delay; synchronously when there is none. */
function after(milliseconds: number, work: () => void): void {
  if (milliseconds > 0) setTimeout(work, milliseconds);
  else work();
}

function isRefusal(reaction: ScriptedReply | undefined): boolean {
  return typeof reaction === "string" && /^[45]/.test(reaction);
}

function receivedMail(raw: string, to: string): ReceivedMail {
  return { messageId: /^message-id:\s*(<[^>]*>)/im.exec(raw)?.[1] ?? "", to, raw };
}

function watch(server: Server): Pick<TestSmtpServer, "port" | "connections"> {
  const connections = { open: 0, ever: 0 };
  server.on("connection", (socket: Socket) => {
    connections.open += 1;
    connections.ever += 1;
    socket.on("close", () => {
      connections.open -= 1;
    });
  });
  return { port: (server.address() as AddressInfo).port, connections };
}
