import { join } from "node:path";
import { ban } from "../bans/bans.ts";
import { DAY, HOUR, type Instant, VirtualClock } from "../clock.ts";
import { readContactFile } from "../contactFiles/csv.ts";
import type { FileRow } from "../contactFiles/fileRow.ts";
import { openStore } from "../db/open.ts";
import type { Store } from "../db/store.ts";
import type { Post } from "../delivery/envelope.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { diskFiles } from "../files/disk.ts";
import { createAdmin } from "../identity/claim.ts";
import { hashPassword } from "../identity/password.ts";
import { addUser } from "../identity/users.ts";
import type { Log } from "../log.ts";
import { seededRandom } from "../random.ts";
import type { LedgerKey } from "../secrets.ts";
import { type BrandPlan, type CastBrand, castBrand, castContacts, castLaunch, numbered } from "./cast.ts";
import { type Census, takeCensus } from "./census.ts";
import contactFile from "./demo-contacts.csv" with { type: "text" };
import { castExemplars } from "./demoExemplars.ts";
import { NO_FAULTS } from "./faults.ts";
import { runWorld } from "./run.ts";
import { World } from "./world.ts";

/** Simulated days of the demo: three stages over nine days, and the replies to them. */
export const DEMO_DAYS = 35;

const SEED = "demo";
const OFFICE_HOURS = [{ days: ["MON", "TUE", "WED", "THU", "FRI"], from: "09:00", to: "17:30" }];

const NORTHWIND: Omit<BrandPlan, "ownerId"> = {
  id: EXEMPLARS.brand,
  name: "Northwind Coffee",
  timezone: "America/New_York",
  postalAddress: "1 Harbor Street, Portland, ME 04101, USA",
  mailboxes: [
    { id: EXEMPLARS.emailAccount, email: "ana@northwind.example", displayName: "Ana at Northwind", dailyLimit: 40 },
    {
      id: EXEMPLARS.otherEmailAccount,
      email: "ben@northwind.example",
      displayName: "Ben at Northwind",
      dailyLimit: 30,
    },
  ],
  credits: 2000,
  campaign: {
    id: EXEMPLARS.campaign,
    name: "Spring tasting",
    sendWindows: OFFICE_HOURS,
    steps: [
      {
        delayDays: 0,
        subject: "Coffee for {{ company | default: 'your team' }}?",
        body: "Hi {{ firstName | default: 'there' }},\n\nwe roast coffee for offices like yours. May I send {{ company | default: 'you' }} a sample?\n\n{{ sender.name }}",
      },
      {
        delayDays: 3,
        subject: null,
        body: "Hi {{ firstName | default: 'there' }},\n\nmy note may have drowned. Is a free tasting of interest?\n\n{{ sender.name }}",
      },
      {
        delayDays: 6,
        subject: null,
        body: "Hi {{ firstName | default: 'there' }},\n\nlast one from me: the offer stands whenever it suits you.\n\n{{ sender.name }}",
      },
    ],
  },
};

/** A draft with contacts, to be launched by hand in Swagger UI. */
const CONTOSO: Omit<BrandPlan, "ownerId"> = {
  id: EXEMPLARS.otherBrand,
  name: "Contoso Plants",
  timezone: "Europe/London",
  postalAddress: "12 Garden Row, London SE1 6ED, UK",
  mailboxes: [
    {
      id: EXEMPLARS.unusedEmailAccount,
      email: "hello@contoso.example",
      displayName: "Contoso Plants",
      dailyLimit: 50,
    },
  ],
  credits: 100,
  campaign: {
    id: EXEMPLARS.draftCampaign,
    name: "Plants for reception desks",
    sendWindows: [],
    steps: [
      {
        delayDays: 0,
        subject: "A plant for {{ company | default: 'your desk' }}",
        body: "Hello {{ firstName | default: 'there' }}, may we bring you a plant?",
      },
      { delayDays: 4, subject: null, body: "Hello again. It is a very small plant." },
    ],
  },
};

export interface DemoWorld {
  census: Census;
  verdicts: Record<string, number>;
  campaign: CastBrand;
}

/** Simulates the demo in `dataDir`, which must hold no database yet. The simulated time ends at `end`, where real time continues. */
export async function liveDemo(options: {
  dataDir: string;
  end: Instant;
  password: string;
  post: Post;
  ledgerKey: LedgerKey;
  log: Log;
  onProgress(virtual: Instant, share: number): void;
}): Promise<DemoWorld> {
  const start = options.end - DEMO_DAYS * DAY;
  const clock = new VirtualClock(start);
  const random = seededRandom(SEED);
  const { dataDir, ledgerKey } = options;
  const store = await openStore({ dataDir, databaseUrl: null, clock, random, durability: "off", ledgerKey });
  try {
    const world = new World(clock, SEED);
    const admin = await createAdmin(store, {
      email: EXEMPLARS.adminEmail,
      name: "Demo admin",
      password: options.password,
    });
    const { campaign, verdicts } = await setUp(store, options.password);
    clock.advance(HOUR);
    const silences = await runWorld({
      ...options,
      store,
      world,
      clock,
      random,
      rates: NO_FAULTS,
      processes: 1,
      clockJumps: 0,
      hostileBelow: -0.6,
      until: options.end,
      onProgress: (now) => options.onProgress(now, (now - start) / (options.end - start)),
    });
    const census = await takeCensus(store, world, silences);
    const files = diskFiles(join(options.dataDir, "files"));
    const { publicUrl } = options.post;
    await castExemplars(store, { adminId: admin.id, password: options.password, publicUrl, files });
    return { census, verdicts, campaign };
  } finally {
    await store.close();
  }
}

async function setUp(
  store: Store,
  password: string,
): Promise<{ campaign: CastBrand; verdicts: Record<string, number> }> {
  const hash = await hashPassword(password);
  const rows = await readDemoFile();
  const owner = await store.write((tx) =>
    addUser(
      numbered(tx, EXEMPLARS.owner),
      { email: EXEMPLARS.ownerEmail, name: "Nora Wind", emailVerified: true },
      hash,
    ),
  );
  const campaign = await store.write((tx) => castBrand(tx, { ...NORTHWIND, ownerId: owner.id }));
  // Ten contacts of the file are banned already; one of them on the whole platform.
  const unwanted = rows.flatMap((row) =>
    row.verdict === "ok" && row.contact.email?.startsWith("do-not-write.") ? [row.contact.email] : [],
  );
  await store.write(async (tx) => {
    for (const [index, email] of unwanted.entries()) {
      await ban(tx, {
        scope: index === 0 ? "platform" : campaign.brandId,
        email,
        source: "MANUAL",
        reason: "asked at a fair not to be written to",
      });
    }
  });
  const verdicts = await store.write((tx) => castContacts(tx, campaign, rows));
  await store.write((tx) => castLaunch(tx, campaign, verdicts.added ?? 0));
  const draft = await store.write((tx) => castBrand(tx, { ...CONTOSO, ownerId: null }));
  await store.write((tx) => castContacts(numbered(tx, EXEMPLARS.draftContact), draft, rows.slice(0, 25)));
  return { campaign, verdicts };
}

async function readDemoFile(): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of readContactFile(new Blob([contactFile]).stream(), {})) rows.push(row);
  return rows;
}
