import { ok } from "@oazapfts/runtime";
// Generated beside a copy of this file by `generated-client.e2e.test.ts`, which also compiles both.
import * as api from "./api.ts";

/** What exists on the service before the scenario begins. */
export interface ScenarioInput {
  url: string;
  admin: { email: string; password: string };
  /** A user with a brand, mailboxes, and a campaign whose follow-ups are scheduled. */
  owner: string;
  /** The name of another brand. */
  otherBrand: string;
  picture: Blob;
}

function sure<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`there is no ${what}`);
  return value;
}

/** An admin's day, all of it through the generated functions: a field that the document does not have does not compile. */
export async function runScenario({ url, admin, owner, otherBrand, picture }: ScenarioInput): Promise<string[]> {
  api.defaults.baseUrl = url;
  const done: string[] = [];

  const entered = await ok(api.postApiAuthSignInEmail(admin));
  api.defaults.headers = { authorization: `Bearer ${entered.token}` };
  done.push(`signed in as ${entered.user.role}`);

  const user = await ok(api.postApiAuthAdminFindUserByEmail({ email: owner.toUpperCase() }));
  const home = sure(user.brandId, "brand of the user");
  const { brands, total } = await ok(api.postApiAuthAdminBrands({ searchQuery: otherBrand, limit: 5, offset: 0 }));
  const other = sure(brands[0], "other brand").brandId;
  done.push(`found ${user.email} and ${total} other brand`);

  const { accounts } = await ok(
    api.postApiAuthAdminEmailAccounts({ assignmentFilter: "assigned", providerFilter: "SMTP" }),
  );
  const mine = accounts.filter(({ brandId }) => brandId === home);
  const mailbox = sure(mine[0], "mailbox");
  const moved = await ok(api.postApiAuthAdminAssignEmailAccount({ accountId: mailbox.accountId, brandId: other }));
  const back = await ok(
    api.postApiAuthAdminBulkAssignEmailAccounts({ accountIds: [mailbox.accountId], brandId: home }),
  );
  done.push(`moved a mailbox from ${moved.previousBrandName} and ${back.assignedCount} back`);

  const { voicemailAccount } = await ok(
    api.postApiAuthAdminCreateVoicemailAccount({ brandId: home, phoneNumber: "+1 202 555 0147" }),
  );
  done.push(`added ${voicemailAccount.phoneNumber} at ${voicemailAccount.provider}`);

  const { weights } = await ok(api.postApiAuthAdminGetCreditWeights({}));
  const dearer = await ok(api.postApiAuthAdminUpdateCreditWeight({ creditType: "SMS", weight: weights.SMS + 0.5 }));
  const enriched = await ok(api.postApiAuthAdminUpdateEnrichmentWeight({ weight: weights.SKIPTRACE }));
  done.push(`SMS cost ${dearer.weight - dearer.previousWeight} more, a look-up ${enriched.weight - weights.SKIPTRACE}`);

  const before = (await ok(api.postApiAuthAdminCreditStats({}))).stats.totalAvailable;
  await ok(api.postApiAuthAdminGrantCredits({ brandId: home, credits: 7.5, reason: "a good year" }));
  const { credits, pagination } = await ok(api.postApiAuthAdminAllCredits({ page: 1, limit: 100 }));
  const available = sure(credits.find(({ brandId }) => brandId === home)?.creditAvailable, "balance");
  const after = (await ok(api.postApiAuthAdminCreditStats({}))).stats.totalAvailable;
  done.push(`granted ${after - before} of ${pagination.totalItems} brands, now ${available > 7 ? "plenty" : "few"}`);

  const followUps = await ok(api.getApiAuthAdminScheduledFollowUps({ status: "PENDING", limit: 5 }));
  const { conversation, stage } = sure(followUps.items[0], "follow-up");
  done.push(`saw stage ${stage} to ${conversation.contact.email ?? "no address"} in mode ${conversation.mode}`);

  const payments = await ok(api.getApiAuthAdminPayments({ page: "1", limit: "5", status: "success" }));
  done.push(`saw page ${payments.pagination.page} of the payments`);

  const { id } = await ok(api.postApiAuthBanned({ email: "never@example.com", reason: "asked" }));
  const { data } = await ok(api.getApiAuthBanned({ sortBy: "email", sortOrder: "asc", limit: 100 }));
  await ok(api.deleteApiAuthBannedById(id, { id }));
  const left = await ok(api.getApiAuthBanned());
  done.push(`banned one of ${data.length}, ${left.data.some((ban) => ban.id === id) ? "for good" : "and lifted it"}`);

  await ok(api.postApiAuthEditProfile({ userId: entered.user.id, name: "Ada Lovelace" }));
  const { imageUrl } = await ok(api.postApiAuthUploadProfileImage({ file: picture }));
  const { user: self } = await ok(api.getApiAuthSession());
  done.push(`is called ${self.name}, ${self.image === imageUrl ? "and seen" : "but not seen"}`);
  return done;
}
