import { connect } from "node:net";

/** Response on a raw connection. */
interface RawResponse {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Request on a connection of its own, of which a test sends as much as it wants. */
export interface PartialRequest {
  write(data: string | Uint8Array): void;
  /** First response. */
  answer: Promise<RawResponse>;
  /** Resolves when the service closes the connection. */
  closed: Promise<void>;
  /** Closes the connection. */
  drop(): void;
}

function parse(text: string): RawResponse | null {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const status = Number(first.split(" ")[1]);
  const rest = text.slice(end + 4);
  const json = /\{.*\}/s.exec(rest)?.[0];
  const isWhole = headers.get("content-length") === "0" || json !== undefined || status === 204;
  return isWhole ? { status, headers, body: json === undefined ? {} : JSON.parse(json) } : null;
}

/** Sends the head of a request; `write` sends its body. */
export function openPartialRequest(
  url: string,
  method: string,
  path: string,
  lines: string[],
  from?: string,
): PartialRequest {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...(from === undefined ? {} : { localAddress: from }) });
  const answer = Promise.withResolvers<RawResponse>();
  const closed = Promise.withResolvers<void>();
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
    const parsed = parse(text);
    if (parsed) answer.resolve(parsed);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed.resolve();
    answer.reject(new Error(`closed without an answer: ${text}`));
  });
  answer.promise.catch(() => {});
  socket.write(`${[`${method} ${path} HTTP/1.1`, `Host: ${hostname}`, ...lines].join("\r\n")}\r\n\r\n`);
  return {
    write: (data) => void socket.write(data),
    answer: answer.promise,
    closed: closed.promise,
    drop: () => void socket.destroy(),
  };
}
