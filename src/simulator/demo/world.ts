import { join } from "node:path";
import { openStore } from "../../db/open.ts";
import type { Store } from "../../db/store.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { DAY, HOUR, type Instant, VirtualClock } from "../../lib/clock.ts";
import type { LedgerKey } from "../../lib/crypto/secrets.ts";
import type { Log } from "../../lib/logger.ts";
import { seededRandom } from "../../lib/random.ts";
import { createDiskStorage } from "../../lib/storage/disk.ts";
import { parseContactFile } from "../../modules/contact-files/contact-file.ts";
import type { FileRow } from "../../modules/contact-files/file-row.ts";
import type { RenderDeps } from "../../modules/delivery/render.ts";
import { createAdmin } from "../../modules/identity/bootstrap-admin.ts";
import { hashPassword } from "../../modules/identity/password.ts";
import { addUser } from "../../modules/identity/users.ts";
import { createBan } from "../../modules/suppressions/bans.ts";
import { NO_FAULTS } from "../fault-injection.ts";
import { checkInvariants, type InvariantReport } from "../invariants.ts";
import { runWorld } from "../run.ts";
import { type BrandSeed, launchSeededCampaign, type SeededBrand, seedBrand, seedContacts, withIds } from "../seed.ts";
import { World } from "../world.ts";
import contactFile from "./contacts.csv" with { type: "text" };
import { seedExampleEntities } from "./fixtures.ts";

/** Simulated days of the demo: three stages over nine days, and the replies to them. */
export const DEMO_DAYS = 35;

const SEED = "demo";
const OFFICE_HOURS = [{ days: ["MON", "TUE", "WED", "THU", "FRI"], from: "09:00", to: "17:30" }];

const NORTHWIND: Omit<BrandSeed, "ownerId"> = {
  id: DEMO_IDS.brand,
  name: "Northwind Coffee",
  timezone: "America/New_York",
  postalAddress: "1 Harbor Street, Portland, ME 04101, USA",
  mailboxes: [
    { id: DEMO_IDS.emailAccount, email: "ana@northwind.example", displayName: "Ana at Northwind", dailyLimit: 40 },
    {
      id: DEMO_IDS.otherEmailAccount,
      email: "ben@northwind.example",
      displayName: "Ben at Northwind",
      dailyLimit: 30,
    },
  ],
  credits: 2000,
  campaign: {
    id: DEMO_IDS.campaign,
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
const CONTOSO: Omit<BrandSeed, "ownerId"> = {
  id: DEMO_IDS.otherBrand,
  name: "Contoso Plants",
  timezone: "Europe/London",
  postalAddress: "12 Garden Row, London SE1 6ED, UK",
  mailboxes: [
    {
      id: DEMO_IDS.unusedEmailAccount,
      email: "hello@contoso.example",
      displayName: "Contoso Plants",
      dailyLimit: 50,
    },
  ],
  credits: 100,
  campaign: {
    id: DEMO_IDS.draftCampaign,
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

export interface SimulatedDemo {
  report: InvariantReport;
  rowResults: Record<string, number>;
  campaign: SeededBrand;
}

/** Simulates the demo in `dataDir`, which must hold no database yet. The simulated time ends at `end`, where real time continues. */
export async function simulateDemo(options: {
  dataDir: string;
  end: Instant;
  password: string;
  post: RenderDeps;
  ledgerKey: LedgerKey;
  log: Log;
  onProgress(virtual: Instant, share: number): void;
}): Promise<SimulatedDemo> {
  const start = options.end - DEMO_DAYS * DAY;
  const clock = new VirtualClock(start);
  const random = seededRandom(SEED);
  const { dataDir, ledgerKey } = options;
  const store = await openStore({ dataDir, databaseUrl: null, clock, random, durability: "off", ledgerKey });
  try {
    const world = new World(clock, SEED);
    const admin = await createAdmin(store, {
      email: DEMO_IDS.adminEmail,
      name: "Demo admin",
      password: options.password,
    });
    const { campaign, rowResults } = await seedDemo(store, options.password);
    clock.advance(HOUR);
    const stopEvents = await runWorld({
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
    const report = await checkInvariants(store, world, stopEvents);
    const files = createDiskStorage(join(options.dataDir, "files"));
    const { publicUrl } = options.post;
    await seedExampleEntities(store, { adminId: admin.id, password: options.password, publicUrl, files });
    return { report, rowResults, campaign };
  } finally {
    await store.close();
  }
}

async function seedDemo(
  store: Store,
  password: string,
): Promise<{ campaign: SeededBrand; rowResults: Record<string, number> }> {
  const hash = await hashPassword(password);
  const rows = await parseDemoFile();
  const owner = await store.write((tx) =>
    addUser(withIds(tx, DEMO_IDS.owner), { email: DEMO_IDS.ownerEmail, name: "Nora Wind", emailVerified: true }, hash),
  );
  const campaign = await store.write((tx) => seedBrand(tx, { ...NORTHWIND, ownerId: owner.id }));
  // Ten contacts of the file are banned already; one of them on the whole platform.
  const unwanted = rows.flatMap((row) =>
    row.verdict === "ok" && row.contact.email?.startsWith("do-not-write.") ? [row.contact.email] : [],
  );
  await store.write(async (tx) => {
    for (const [index, email] of unwanted.entries()) {
      await createBan(tx, {
        scope: index === 0 ? "platform" : campaign.brandId,
        email,
        source: "MANUAL",
        reason: "asked at a fair not to be written to",
      });
    }
  });
  const rowResults = await store.write((tx) => seedContacts(tx, campaign, rows));
  await store.write((tx) => launchSeededCampaign(tx, campaign, rowResults.added ?? 0));
  const draft = await store.write((tx) => seedBrand(tx, { ...CONTOSO, ownerId: null }));
  await store.write((tx) => seedContacts(withIds(tx, DEMO_IDS.draftContact), draft, rows.slice(0, 25)));
  return { campaign, rowResults };
}

async function parseDemoFile(): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of parseContactFile(new Blob([contactFile]).stream(), {})) rows.push(row);
  return rows;
}
