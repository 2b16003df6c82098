import { desc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { brands, voicemailAccounts } from "../db/schema/brands.ts";
import { users } from "../db/schema/identity.ts";
import { contains } from "../db/search.ts";
import type { Reader } from "../db/store.ts";

// All brands of the platform, for those who look after it: the newest first, by the moment they were created and then by id.

/** A brand and its owner, if it has one. */
export interface Listed {
  id: string;
  name: string;
  ownerId: string | null;
  ownerName: string | null;
  ownerEmail: string | null;
  twilioAccountSid: string | null;
  hasTwilioAuthToken: boolean;
  twillioMessagingServiceSid: string | null;
  createdAt: number;
}

export interface DirectoryPage {
  limit: number;
  offset: number;
  /** Looked for in names, the owner's address and the SIDs; empty finds all. */
  search?: string | undefined;
}

/** One page of brands, and how many there are in all. A page beyond the end is empty. */
export async function listDirectory(
  read: Reader,
  { limit, offset, search = "" }: DirectoryPage,
): Promise<{ rows: Listed[]; total: number }> {
  const wanted = search.trim();
  const found = wanted === "" ? undefined : matching(wanted);
  const total = await countBrands(read, found);
  // However large the offset: the database need not be told of one beyond the end.
  const rows = offset < total ? await pageOf(read, found, limit, offset) : [];
  return { rows, total };
}

function matching(text: string): SQL {
  return contains(
    text,
    brands.name,
    users.name,
    users.email,
    brands.twilioAccountSid,
    brands.twillioMessagingServiceSid,
  );
}

async function countBrands(read: Reader, found: SQL | undefined): Promise<number> {
  const [row] = await read
    .select({ total: sql<unknown>`count(*)` })
    .from(brands)
    .leftJoin(users, eq(users.id, brands.ownerId))
    .where(found);
  return Number(row?.total ?? 0);
}

async function pageOf(read: Reader, found: SQL | undefined, limit: number, offset: number): Promise<Listed[]> {
  const rows = await read
    .select({
      id: brands.id,
      name: brands.name,
      ownerId: users.id,
      ownerName: users.name,
      ownerEmail: users.email,
      twilioAccountSid: brands.twilioAccountSid,
      token: brands.twilioAuthToken,
      twillioMessagingServiceSid: brands.twillioMessagingServiceSid,
      createdAt: brands.createdAt,
    })
    .from(brands)
    .leftJoin(users, eq(users.id, brands.ownerId))
    .where(found)
    .orderBy(desc(brands.createdAt), desc(brands.id))
    .limit(limit)
    .offset(offset);
  return rows.map(({ token, ...row }) => ({ ...row, hasTwilioAuthToken: token !== null }));
}

type Voicemail = Pick<
  typeof voicemailAccounts.$inferSelect,
  "id" | "phoneNumber" | "displayName" | "provider" | "isActive"
>;

/** The voicemail numbers of many brands at once, by brand. */
export async function voicemailsOf(read: Reader, brandIds: readonly string[]): Promise<Map<string, Voicemail[]>> {
  if (brandIds.length === 0) return new Map();
  const { id, brandId, phoneNumber, displayName, provider, isActive } = voicemailAccounts;
  const rows = await read
    .select({ id, brandId, phoneNumber, displayName, provider, isActive })
    .from(voicemailAccounts)
    .where(inArray(brandId, [...brandIds]))
    .orderBy(brandId, id);
  const numbers = new Map<string, Voicemail[]>();
  for (const { brandId: brand, ...number } of rows) {
    const list = numbers.get(brand);
    if (list) list.push(number);
    else numbers.set(brand, [number]);
  }
  return numbers;
}
