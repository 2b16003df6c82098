// Repeats one request: `bun load.ts <url> <token> <connections> <milliseconds>`, and prints the responses a second. It runs in a
// process of its own and does little for each response, so that it measures the server.

const [address = "", token = "", connections = "1", duration = "1000"] = process.argv.slice(2);
const { hostname, port, pathname, search } = new URL(address);
const request = `GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`;

/** Gets the length of one response with its head; all others must have the same. */
async function getResponseLength(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let got = "";
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, bytes) {
        got += bytes.toString("latin1");
        const head = got.indexOf("\r\n\r\n") + 4;
        const body = Number(/content-length: (\d+)/i.exec(got)?.[1]);
        if (head > 3 && got.length === head + body) resolve(got.length);
      },
    },
  });
  socket.write(request);
  const length = await promise;
  if (!got.startsWith("HTTP/1.1 200")) throw new Error(got.slice(0, 300));
  socket.end();
  return length;
}

const length = await getResponseLength();
let responses = 0;
const state = { isOver: false };
const sockets = await Promise.all(
  Array.from({ length: Number(connections) }, () =>
    Bun.connect({
      hostname,
      port: Number(port),
      data: { left: length },
      socket: {
        data(socket, bytes) {
          socket.data.left -= bytes.length;
          if (socket.data.left > 0) return;
          if (socket.data.left < 0) throw new Error("a response is longer than the first one");
          responses++;
          socket.data.left = length;
          if (!state.isOver) socket.write(request);
        },
      },
    }),
  ),
);
const started = performance.now();
for (const socket of sockets) socket.write(request);
await Bun.sleep(Number(duration));
state.isOver = true;
console.log((responses / (performance.now() - started)) * 1000);
process.exit(0);

export {};
