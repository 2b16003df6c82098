import { expect, test } from "bun:test";
import { readContactFile } from "../src/contactFiles/csv.ts";
import demoContacts from "../src/simulator/demo-contacts.csv" with { type: "text" };
import { LARGE_FILE_SCRIPT } from "./support/largeFile.ts";

test("leaving early lets go of the source", async () => {
  let cancelled = false;
  let pulls = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(Buffer.from(pulls++ === 0 ? "Email\n" : "a@example.com\n".repeat(5_000)));
    },
    cancel() {
      cancelled = true;
    },
  });
  for await (const _ of readContactFile(source, {})) break;
  expect(cancelled).toBe(true);
  expect(pulls).toBeLessThan(5);
});

test("100 MB are read in constant memory", async () => {
  const child = Bun.spawn([process.execPath, LARGE_FILE_SCRIPT]);
  const { written, read, seconds, mebibytes } = (await new Response(child.stdout).json()) as Record<
    "written" | "read" | "seconds" | "mebibytes",
    number
  >;
  console.log(`${read} rows in ${seconds.toFixed(1)} s, +${mebibytes.toFixed(0)} MiB`);
  expect(read).toBe(written);
  expect(mebibytes).toBeLessThan(96);
}, 120_000);

test("the demo's contacts are 500, messy, and nobody's", async () => {
  const rows = await Array.fromAsync(readContactFile(new Blob([demoContacts]).stream(), {}));
  const contacts = rows.flatMap((row) => (row.verdict === "ok" ? [row.contact] : []));
  const emails = contacts.flatMap(({ email }) => email ?? []);
  const phones = contacts.flatMap(({ phone }) => phone ?? []);
  expect(rows).toHaveLength(500);
  expect(rows.filter(({ verdict }) => verdict === "bad_email")).toHaveLength(8);
  expect(rows.filter(({ verdict }) => verdict === "bad_phone")).toHaveLength(5);
  expect(contacts).toHaveLength(487);
  expect(emails.length - new Set(emails).size).toBe(12);
  expect(emails.filter((email) => email.startsWith("do-not-write."))).toHaveLength(10);
  // RFC 2606 names; 555-01XX (NANPA) and Ofcom's numbers for drama.
  for (const email of emails) expect(email).toMatch(/@(?:example\.(?:com|net|org)|[a-z0-9.-]+\.example)$/);
  for (const phone of phones) {
    expect(phone).toMatch(/^\+1\d{3}55501\d\d$|^\+44(?:2079460|1[1-6]\d4960|2920180|2896496)\d{3}$/);
  }
});
