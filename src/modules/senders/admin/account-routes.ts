import { Elysia, t } from "elysia";
import { parseOptionalBody } from "../../../http/middleware/request-body.ts";
import { requestContext } from "../../../http/request-context.ts";
import { type Instant, isoOrNull } from "../../../lib/clock.ts";
import { timeSlices } from "../../../lib/time-slices.ts";
import type { Deps } from "../../deps.ts";
import { type ListedAccount as Listed, listAccounts } from "../account-list.ts";
import { getWarmup } from "../warmup.ts";
import { AccountPage, AccountQuery, type ListedAccount } from "./model.ts";

const DEFAULT_PAGE_ROWS = 10_000;

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
    warmupStatus: getWarmup(box, now).status,
    warmupEmailsSent: warmupSends,
  };
}

/** Lists the mailboxes of all brands, for admins. */
export function accountListRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).use(requestContext).post(
    "/email-accounts",
    async ({ body, context }) => {
      const {
        assignmentFilter = "all",
        providerFilter = null,
        searchQuery,
        limit = DEFAULT_PAGE_ROWS,
        offset = 0,
      } = body ?? {};
      const now = clock.now();
      const pause = () => timeSlices.next(context.principal.userId);
      const filter = { assignment: assignmentFilter, provider: providerFilter, search: searchQuery?.trim() || null };
      const { accounts, total } = await listAccounts(store.read, filter, { limit, offset, now, pause });
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
      parse: parseOptionalBody,
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
          "Get all email sender accounts with filters (Admin only), ordered by address. Returns at most 10,000; when there are more, `hasMore` is true and `offset` gets the next page.",
      },
    },
  );
}
