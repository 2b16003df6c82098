import { expect, test } from "bun:test";
import { connect } from "node:net";
import { Elysia, t } from "elysia";
import { errorHandler } from "../../../src/http/middleware/errors.ts";
import { RequestDrain } from "../../../src/http/middleware/request-drain.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLog } from "../../../src/lib/logger.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

/** Starts a server with fast routes, routes that wait for `release`, and a route with a body. */
function serve() {
  const drain = new RequestDrain();
  const gate = Promise.withResolvers<void>();
  const app = new Elysia()
    .use(errorHandler(createLog("silent", systemClock)))
    .use(drain.plugin())
    .get("/fast", () => "fast")
    .get("/raw", () => new Response("raw"))
    .get("/slow", async () => {
      await gate.promise;
      return "slow";
    })
    .get("/slow-raw", async () => {
      await gate.promise;
      return new Response("raw");
    })
    .get("/slow-refused", async () => {
      await gate.promise;
      throw new Error("no");
    })
    .post("/body", ({ body }) => body, { body: t.Object({ n: t.Number() }) })
    .listen({ port: 0, hostname: "127.0.0.1" });
  if (!app.server) throw new Error("it does not listen");
  return { app, server: app.server, drain, release: gate.resolve, url: `http://127.0.0.1:${app.server.port}` };
}

/** Sends raw bytes; `received` collects the response. */
function speak(port: number | undefined, text: string) {
  const socket = connect(port ?? 0, "127.0.0.1");
  const spoken = { received: "", isClosed: false, socket };
  socket.on("data", (bytes) => {
    spoken.received += bytes;
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    spoken.isClosed = true;
  });
  socket.write(text);
  return spoken;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const post = (body: string, length = body.length) =>
  `POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;

test("RequestDrain: requests in progress are answered on all response paths with Connection: close", async () => {
  const { server, drain, release } = serve();
  const slow = ["/slow", "/slow-raw", "/slow-refused"].map((path) => speak(server.port, get(path)));
  await waitUntil("the slow requests are in progress", async () => drain.answering(server) === slow.length);
  const drained = drain.drain(server, performance.now() + 60_000);
  await Bun.sleep(50);
  expect(slow.map(({ received }) => received)).toEqual(["", "", ""]);
  release();
  expect(await drained).toBe(0);
  await waitUntil("the connections end", async () => slow.every(({ isClosed }) => isClosed));
  for (const [n, status] of [200, 200, 500].entries()) {
    expect(slow[n]?.received).toStartWith(`HTTP/1.1 ${status} `);
    expect(slow[n]?.received.toLowerCase()).toContain("connection: close");
  }
});

test("RequestDrain: idle connections, half a head and half a body do not delay the drain", async () => {
  const { server, drain } = serve();
  const halves = ["GET /fast HT", post('{"n":', 100), get("/fast")].map((text) => speak(server.port, text));
  await waitUntil("the complete request is answered", async () => halves[2]?.received.includes("fast") === true);
  await waitUntil("the half body has begun", async () => server.pendingRequests === 1);
  // The deadline is far longer than the test, so none of it may be used.
  expect(await drain.drain(server, performance.now() + 600_000)).toBe(0);
  await waitUntil("all are closed", async () => halves.every(({ isClosed }) => isClosed));
  expect(halves.slice(0, 2).map(({ received }) => received)).toEqual(["", ""]);
});

test("RequestDrain: a request that never ends is counted and its connection closed at the deadline", async () => {
  const { server, drain } = serve();
  const stuck = speak(server.port, get("/slow"));
  await waitUntil("the request is in progress", async () => drain.answering(server) === 1);
  expect(await drain.drain(server, performance.now() + 200)).toBe(1);
  await waitUntil("the connection is closed", async () => stuck.isClosed);
});

test("RequestDrain: a request that arrives after the drain began answers 503 without being run", async () => {
  const { server, drain, release } = serve();
  const late = speak(server.port, "GET /fast HT");
  const slow = speak(server.port, get("/slow"));
  await waitUntil("the slow request is in progress", async () => drain.answering(server) === 1);
  const drained = drain.drain(server, performance.now() + 60_000);
  late.socket.write("TP/1.1\r\nHost: x\r\n\r\n");
  await waitUntil("the late request is answered", async () => late.received.includes("\r\n\r\n"));
  expect(late.received).toStartWith("HTTP/1.1 503 ");
  expect(late.received).toContain('"code":"UNAVAILABLE"');
  expect(speak(server.port, "").received).toBe("");
  release();
  await drained;
  expect(slow.received).toContain("slow");
});

test("RequestDrain: no request stays counted after its response or after its client disconnects", async () => {
  const { server, drain, url, release } = serve();
  const gone = ["/slow", "/slow-raw"].map((path) => speak(server.port, get(path)));
  const half = speak(server.port, post('{"n":', 100));
  await waitUntil("the requests are in progress", async () => server.pendingRequests === 3);
  const json = { "content-type": "application/json" };
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (const method of ["GET", "HEAD", "OPTIONS", "DELETE"])
        for (const path of ["/fast", "/raw", "/nowhere"]) await (await fetch(url + path, { method })).text();
      for (const body of ['{"n":1}', '{"n":"x"}', "{", "[".repeat(1000), ""])
        await (await fetch(`${url}/body`, { method: "POST", headers: json, body })).text();
    }),
  );
  for (const { socket } of [...gone, half]) socket.destroy();
  release();
  await waitUntil("no request is counted", async () => drain.size === 0);
  await server.stop(true);
});
