/** Sends header lines unchanged, also duplicates, which `fetch` would merge. Returns the status, or 0 without a response. */
export async function sendRawRequest(
  url: string,
  method: string,
  path: string,
  lines: string[],
  body = "",
): Promise<number> {
  const { hostname, port } = new URL(url);
  const answered = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { data: (_, data) => answered.resolve(data.toString()), close: () => answered.resolve("") },
  });
  socket.write(`${[`${method} ${path} HTTP/1.1`, `Host: ${hostname}`, ...lines].join("\r\n")}\r\n\r\n${body}`);
  const answer = await answered.promise;
  socket.end();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
