import { parseContactFile } from "../../../src/modules/contact-files/contact-file.ts";

// Parses a generated file of 100 MB and prints time and memory, in a process of its own: other tests use memory, too.

/** Path of this file, to start it with. */
export const LARGE_FILE_SCRIPT = import.meta.path;

const people = 500;
const size = 100_000_000;
let sent = 0;
let count = 0;
const source = new ReadableStream<Uint8Array>({
  pull(controller) {
    if (sent >= size) return controller.close();
    const rows = Array.from({ length: people }, () => {
      const phone = `+1202555${String(count % 10_000).padStart(4, "0")}`;
      return `${++count},Ann,O'Neil,ann.${count}@example.com,${phone},"Acme, Inc",America/New_York,Washington,"Head of ""Things""",Lead,2026-01-31 09:00,https://www.example.com/people/${count}\n`;
    });
    const bytes = Buffer.from(
      (sent === 0
        ? "Record ID,First Name,Last Name,Email,Phone Number,Company Name,Time Zone,City,Job Title,Lifecycle Stage,Create Date,Website URL\n"
        : "") + rows.join(""),
    );
    sent += bytes.length;
    controller.enqueue(bytes);
  },
});

if (import.meta.main) {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let peak = before;
  let read = 0;
  const started = performance.now();
  for await (const row of parseContactFile(source, {})) {
    if (row.verdict !== "ok") throw new Error(JSON.stringify(row));
    if (++read % 10_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(JSON.stringify({ written: count, read, seconds, mebibytes: (peak - before) / 2 ** 20 }));
}
