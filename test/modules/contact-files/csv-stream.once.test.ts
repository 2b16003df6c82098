import { expect, test } from "bun:test";
import { parseContactFile } from "../../../src/modules/contact-files/contact-file.ts";
import demoContacts from "../../../src/simulator/demo/contacts.csv" with { type: "text" };
import { LARGE_FILE_SCRIPT } from "./large-file.ts";

test("contact file stream: leaving the loop early cancels the source", async () => {
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
  for await (const _ of parseContactFile(source, {})) break;
  expect(cancelled).toBe(true);
  expect(pulls).toBeLessThan(5);
});

test("contact file stream: 100 MB are parsed with at most 96 MiB of additional memory", async () => {
  const child = Bun.spawn([process.execPath, LARGE_FILE_SCRIPT]);
  const { written, read, seconds, mebibytes } = (await new Response(child.stdout).json()) as Record<
    "written" | "read" | "seconds" | "mebibytes",
    number
  >;
  console.log(`${read} rows in ${seconds.toFixed(1)} s, +${mebibytes.toFixed(0)} MiB`);
  expect(read).toBe(written);
  expect(mebibytes).toBeLessThan(96);
}, 120_000);

test("demo contacts: 500 rows with the intended errors, and only addresses and numbers reserved for examples", async () => {
  const rows = await Array.fromAsync(parseContactFile(new Blob([demoContacts]).stream(), {}));
  const contacts = rows.flatMap((row) => (row.verdict === "ok" ? [row.contact] : []));
  const emails = contacts.flatMap(({ email }) => email ?? []);
  const phones = contacts.flatMap(({ phone }) => phone ?? []);
  expect(rows).toHaveLength(500);
  expect(rows.filter(({ verdict }) => verdict === "bad_email")).toHaveLength(8);
  expect(rows.filter(({ verdict }) => verdict === "bad_phone")).toHaveLength(5);
  expect(contacts).toHaveLength(487);
  expect(emails.length - new Set(emails).size).toBe(12);
  expect(emails.filter((email) => email.startsWith("do-not-write."))).toHaveLength(10);
  // Expect RFC 2606 names, 555-01XX numbers (NANPA) and Ofcom's numbers reserved for fiction.
  for (const email of emails) expect(email).toMatch(/@(?:example\.(?:com|net|org)|[a-z0-9.-]+\.example)$/);
  for (const phone of phones) {
    expect(phone).toMatch(/^\+1\d{3}55501\d\d$|^\+44(?:2079460|1[1-6]\d4960|2920180|2896496)\d{3}$/);
  }
});
