import { Elysia, t } from "elysia";
import { type Instant, isoOrNull } from "../../clock.ts";
import type { Deps } from "../../deps.ts";
import { requestContext } from "../../http/request-context.ts";
import { optionalBody } from "../../http/requestBody.ts";
import { type ListedAccount as Listed, listAccounts } from "../accountList.ts";
import { warmupOf } from "../warmup.ts";
import { AccountPage, AccountQuery, type ListedAccount } from "./model.ts";

/** As many are answered at once, unless fewer are asked for. */
const MOST = 10_000;

function toListed({ box, brandName, sendsToday, warmupSends }: Listed, now: Instant): ListedAccount {
  return {
    accountId: box.id,
    email: box.email,
    displayName: box.displayName,
    provider: box.provider,
    accountType: box.accountType,
    connectionStatus: box.connectionStatus,
    isActive: box.isActive,
    isProved: box.provedAt !== null,
    brandId: box.brandId,
    brandName,
    dailyLimit: box.dailyLimit,
    sendsToday,
    lastUsedAt: isoOrNull(box.lastUsedAt),
    isWorkspaceAccount: box.workspaceDomain !== null,
    workspaceDomain: box.workspaceDomain,
    warmupStatus: warmupOf(box, now).status,
    warmupEmailsSent: warmupSends,
  };
}

/** The mailboxes of all brands: for admins. */
export function accountListRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).use(requestContext).post(
    "/email-accounts",
    async ({ body }) => {
      const { assignmentFilter = "all", providerFilter = null, searchQuery, limit = MOST, offset = 0 } = body ?? {};
      const now = clock.now();
      const filter = { assignment: assignmentFilter, provider: providerFilter, search: searchQuery?.trim() || null };
      const { accounts, total } = await listAccounts(store.read, filter, { limit, offset, now });
      return {
        success: true,
        message: `${total} ${total === 1 ? "mailbox" : "mailboxes"}`,
        accounts: accounts.map((account) => toListed(account, now)),
        total,
        hasMore: offset + accounts.length < total,
      };
    },
    {
      body: t.Optional(AccountQuery),
      parse: optionalBody,
      response: AccountPage,
      detail: {
        access: "admin",
        example: {
          body: {
            assignmentFilter: "all",
            providerFilter: "SMTP",
            searchQuery: "",
          },
        },
        summary: "List All Email Sender Accounts",
        description:
          "Get all email sender accounts with filters (Admin only), by address. All of them, 10,000 at most: beyond that `hasMore` is true, and `offset` goes on.",
      },
    },
  );
}
