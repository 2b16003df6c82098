import { eq } from "drizzle-orm";
import { emailAccounts } from "../../src/db/schema/senders.ts";
import type { BrandOwner } from "./brands.ts";
import type { OutreachApp } from "./outreach-app.ts";

/** Lists the ids of a brand's mailboxes, in the order they were added. */
export async function listBrandMailboxIds({ store }: OutreachApp, { brandId }: { brandId: string }): Promise<string[]> {
  const rows = await store.read
    .select({ id: emailAccounts.id })
    .from(emailAccounts)
    .where(eq(emailAccounts.brandId, brandId))
    .orderBy(emailAccounts.id);
  return rows.map(({ id }) => id);
}

export async function getFirstMailboxId(world: OutreachApp, brand: { brandId: string }): Promise<string> {
  const [id] = await listBrandMailboxIds(world, brand);
  if (id === undefined) throw new Error("the brand has no mailbox");
  return id;
}

export interface AssignmentView {
  success: boolean;
  message: string;
  previousBrandName: string | null;
}

/** Returns a function that assigns a mailbox to a brand as this admin. */
export function mailboxAssigner(admin: BrandOwner["request"]) {
  return async (accountId: string, { brandId }: { brandId: string }): Promise<AssignmentView> => {
    const answer = await admin<AssignmentView>("POST", "/api/auth/admin/assign-email-account", { accountId, brandId });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  };
}
