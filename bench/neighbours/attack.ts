export {};

// A tenant that sends as much load as it is allowed to: `bun attack.ts <url> <token> <campaign> <attack> <connections>
// <milliseconds>`. It runs in a process of its own, so that it does not delay the measuring one. Prints its responses by status.

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
const NESTED_LOOPS = "{% for i in (1..1000) %}{% for j in (1..1000) %}{{ i }}{% endfor %}{% endfor %}";

/** Requests at the limit and above it: refused ones must be cheap too. */
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

if (attack === "previews") await send("PUT", `/api/campaigns/${campaign}/steps`, { steps: [step(0, NESTED_LOOPS)] });
const kinds = attack === "everything" ? Object.keys(attacks) : [attack];
await Promise.all(
  kinds.flatMap((kind) =>
    Array.from({ length: kind === "imports" ? 1 : Number(connections) }, async () => {
      while (Date.now() < until) await attacks[kind]?.();
    }),
  ),
);
console.log(JSON.stringify(statuses));
// Waits for running imports, which would disturb the next measurement.
for (const job of jobs) {
  for (let text = '"RUNNING"'; text.includes('"RUNNING"'); await Bun.sleep(200)) {
    const response = await fetch(`${url}/api/campaigns/import-jobs/${job}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    text = await response.text();
  }
}
process.exit(0);
