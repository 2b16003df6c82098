import { expect, test } from "bun:test";
import { connect } from "node:net";
import { Elysia, t } from "elysia";
import { systemClock } from "../src/clock.ts";
import { faults } from "../src/http/faults.ts";
import { RequestDrain } from "../src/http/requestDrain.ts";
import { createLog } from "../src/log.ts";
import { until } from "./support/throwaway.ts";

/** A server with a route that is fast, one that waits until it is let go, and one that takes a body. */
function serve() {
  const drain = new RequestDrain();
  const gate = Promise.withResolvers<void>();
  const app = new Elysia()
    .use(faults(createLog("silent", systemClock)))
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

/** Sends bytes as they are; `received` is all that came back. */
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

test("drain: requests being answered get their answer, however it is made, and hear that the connection ends", async () => {
  const { server, drain, release } = serve();
  const slow = ["/slow", "/slow-raw", "/slow-refused"].map((path) => speak(server.port, get(path)));
  await until("they are being answered", async () => drain.answering(server) === slow.length);
  const drained = drain.drain(server, performance.now() + 60_000);
  await Bun.sleep(50);
  expect(slow.map(({ received }) => received)).toEqual(["", "", ""]);
  release();
  expect(await drained).toBe(0);
  await until("the connections end", async () => slow.every(({ isClosed }) => isClosed));
  for (const [n, status] of [200, 200, 500].entries()) {
    expect(slow[n]?.received).toStartWith(`HTTP/1.1 ${status} `);
    expect(slow[n]?.received.toLowerCase()).toContain("connection: close");
  }
});

test("drain: idle connections, half a head and half a body hold nobody up", async () => {
  const { server, drain } = serve();
  const halves = ["GET /fast HT", post('{"n":', 100), get("/fast")].map((text) => speak(server.port, text));
  await until("the whole one is answered", async () => halves[2]?.received.includes("fast") === true);
  await until("the half body has begun", async () => server.pendingRequests === 1);
  // Far more time than the test has: nothing of it is used.
  expect(await drain.drain(server, performance.now() + 600_000)).toBe(0);
  await until("all are closed", async () => halves.every(({ isClosed }) => isClosed));
  expect(halves.slice(0, 2).map(({ received }) => received)).toEqual(["", ""]);
});

test("drain: a request that never ends is counted, and cut at the deadline", async () => {
  const { server, drain } = serve();
  const stuck = speak(server.port, get("/slow"));
  await until("it is being answered", async () => drain.answering(server) === 1);
  expect(await drain.drain(server, performance.now() + 200)).toBe(1);
  await until("it is closed", async () => stuck.isClosed);
});

test("drain: what arrives after it began is refused before anything is done", async () => {
  const { server, drain, release } = serve();
  const late = speak(server.port, "GET /fast HT");
  const slow = speak(server.port, get("/slow"));
  await until("it is being answered", async () => drain.answering(server) === 1);
  const drained = drain.drain(server, performance.now() + 60_000);
  late.socket.write("TP/1.1\r\nHost: x\r\n\r\n");
  await until("it has an answer", async () => late.received.includes("\r\n\r\n"));
  expect(late.received).toStartWith("HTTP/1.1 503 ");
  expect(late.received).toContain('"code":"UNAVAILABLE"');
  expect(speak(server.port, "").received).toBe("");
  release();
  await drained;
  expect(slow.received).toContain("slow");
});

test("drain: no request is remembered once it has its answer or its client is gone, whatever it was", async () => {
  const { server, drain, url, release } = serve();
  const gone = ["/slow", "/slow-raw"].map((path) => speak(server.port, get(path)));
  const half = speak(server.port, post('{"n":', 100));
  await until("they have begun", async () => server.pendingRequests === 3);
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
  await until("none is remembered", async () => drain.size === 0);
  await server.stop(true);
});
