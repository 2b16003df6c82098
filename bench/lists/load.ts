// Asks one server for one thing, over and over: `bun load.ts <url> <token> <connections> <milliseconds>`. Prints how many
// answers came in a second. A process of its own, which does so little for an answer that it measures the server.

const [address = "", token = "", connections = "1", duration = "1000"] = process.argv.slice(2);
const { hostname, port, pathname, search } = new URL(address);
const ask = `GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`;

/** How long the first answer is, which all the others must be too; with its head. */
async function lengthOfOne(): Promise<number> {
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
  socket.write(ask);
  const length = await promise;
  if (!got.startsWith("HTTP/1.1 200")) throw new Error(got.slice(0, 300));
  socket.end();
  return length;
}

const length = await lengthOfOne();
let answers = 0;
const isOver = { yet: false };
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
          if (socket.data.left < 0) throw new Error("an answer is longer than the first one");
          answers++;
          socket.data.left = length;
          if (!isOver.yet) socket.write(ask);
        },
      },
    }),
  ),
);
const started = performance.now();
for (const socket of sockets) socket.write(ask);
await Bun.sleep(Number(duration));
isOver.yet = true;
console.log((answers / (performance.now() - started)) * 1000);
process.exit(0);

export {};
