import { eq } from "drizzle-orm";
import { emailAccounts } from "../../src/db/schema/brands.ts";
import type { Owner } from "./brands.ts";
import type { Outreach } from "./outreach.ts";

/** Lists the ids of a brand's mailboxes, in the order they were added. */
export async function mailboxIds({ store }: Outreach, { brandId }: { brandId: string }): Promise<string[]> {
  const rows = await store.read
    .select({ id: emailAccounts.id })
    .from(emailAccounts)
    .where(eq(emailAccounts.brandId, brandId))
    .orderBy(emailAccounts.id);
  return rows.map(({ id }) => id);
}

export async function firstMailbox(world: Outreach, brand: { brandId: string }): Promise<string> {
  const [id] = await mailboxIds(world, brand);
  if (id === undefined) throw new Error("the brand has no mailbox");
  return id;
}

export interface Assigned {
  success: boolean;
  message: string;
  previousBrandName: string | null;
}

/** Returns a function that assigns a mailbox to a brand as this admin. */
export function mover(admin: Owner["request"]) {
  return async (accountId: string, { brandId }: { brandId: string }): Promise<Assigned> => {
    const answer = await admin<Assigned>("POST", "/api/auth/admin/assign-email-account", { accountId, brandId });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  };
}
