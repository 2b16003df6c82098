export {};

// A tenant that asks for as much as it may: `bun attack.ts <url> <token> <campaign> <attack> <connections> <milliseconds>`.
// A process of its own, so that what it computes does not delay the neighbour's clock. Prints how many answers it got, by status.

const [url = "", token = "", campaign = "", attack = "", connections = "1", milliseconds = "1000"] =
  process.argv.slice(2);
const until = Date.now() + Number(milliseconds);
const statuses: Record<string, number> = {};
let serial = 0;
let requests = 0;
const jobs: string[] = [];

async function send(method: string, path: string, body?: unknown): Promise<void> {
  const isForm = body instanceof FormData;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(isForm ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const jobId = response.status === 202 ? /"(?:jobId|id)":"([^"]+)"/.exec(text)?.[1] : undefined;
  if (jobId) jobs.push(jobId);
  statuses[response.status] = (statuses[response.status] ?? 0) + 1;
}

const step = (stage: number, body: string) => ({
  stage,
  channel: "EMAIL",
  delay: { value: 1, unit: "DAYS" },
  subject: "Hi",
  body: `${body} ${serial++}`,
});
const code = (tags: number) => "{{ x }}".repeat(tags);
const LOOPS = "{% for i in (1..1000) %}{% for j in (1..1000) %}{{ i }}{% endfor %}{% endfor %}";

/** The most that is let in, and more than that: what is refused must not cost either. */
const attacks: Record<string, () => Promise<void>> = {
  steps: () => {
    const tags = ++requests % 2 ? 480 : 14_000;
    const steps = Array.from({ length: 20 }, (_, stage) => step(stage, code(tags)));
    return send("PUT", `/api/campaigns/${campaign}/steps`, { steps });
  },
  previews: () => send("POST", `/api/campaigns/${campaign}/preview-message`, { stage: 0 }),
  searches: () => send("GET", `/api/contacts?searchQuery=${["zzzzzz", "pop", "a", "pop cor 7"][serial++ % 4]}`),
  members: () => send("GET", `/api/campaigns/${campaign}/contacts?status=FAILED&searchQuery=pop`),
  lists: () => send("GET", `/api/contacts?limit=100`),
  filters: () => send("GET", `/api/campaigns/${campaign}/contacts?status=FAILED`),
  imports: async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, n) => `n${serial++}.${n}@x${n % 999}.example,Ann,Popular,Corp ${n}`,
    );
    const form = new FormData();
    form.set("file", new File([`email,first name,last name,company\n${rows.join("\n")}`], "x.csv"));
    await send("POST", `/api/campaigns/${campaign}/import-contacts`, form);
    await Bun.sleep(1_000);
  },
};

if (attack === "previews") await send("PUT", `/api/campaigns/${campaign}/steps`, { steps: [step(0, LOOPS)] });
const kinds = attack === "everything" ? Object.keys(attacks) : [attack];
await Promise.all(
  kinds.flatMap((kind) =>
    Array.from({ length: kind === "imports" ? 1 : Number(connections) }, async () => {
      while (Date.now() < until) await attacks[kind]?.();
    }),
  ),
);
console.log(JSON.stringify(statuses));
// What was begun is let end, or it would go on into the next measurement.
for (const job of jobs) {
  for (let text = '"RUNNING"'; text.includes('"RUNNING"'); await Bun.sleep(200)) {
    const response = await fetch(`${url}/api/campaigns/import-jobs/${job}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    text = await response.text();
  }
}
process.exit(0);
