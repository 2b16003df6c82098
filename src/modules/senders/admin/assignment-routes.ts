import { Elysia } from "elysia";
import type { Deps } from "../../deps.ts";
import { EXEMPLARS } from "../../exemplars.ts";
import { writeOnce } from "../../http/idempotency.ts";
import { requestContext } from "../../http/request-context.ts";
import { assignMailboxes } from "../assignment.ts";
import { Assigned, Assignment, BulkAssigned, BulkAssignment } from "./model.ts";

/** Assigns mailboxes to brands, for admins. */
export function assignmentRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/assign-email-account",
      async ({ body, context }) => {
        const answer = await writeOnce(deps, context, async (tx) => {
          const { brandName, moved } = await assignMailboxes(tx, [body.accountId], body.brandId);
          const [mailbox] = moved;
          return {
            success: true,
            message: mailbox
              ? `${mailbox.email} is now assigned to ${brandName}`
              : `The mailbox was already assigned to ${brandName}`,
            previousBrandName: mailbox?.previousBrandName ?? null,
          };
        });
        deps.wake();
        return answer;
      },
      {
        body: Assignment,
        response: Assigned,
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { accountId: EXEMPLARS.otherEmailAccount, brandId: EXEMPLARS.otherBrand } },
          summary: "Assign Email Account to Brand",
          description:
            "Assign an email sender account to a brand (Admin only). Pending messages of the previous brand get another of its mailboxes, or wait with SENDER_REASSIGNED. `previousBrandName` is null when no other brand had the mailbox.",
        },
      },
    )
    .post(
      "/bulk-assign-email-accounts",
      async ({ body, context }) => {
        const answer = await writeOnce(deps, context, async (tx) => {
          const { brandName, moved } = await assignMailboxes(tx, body.accountIds, body.brandId);
          return {
            success: true,
            message: `${moved.length} ${moved.length === 1 ? "mailbox is" : "mailboxes are"} now assigned to ${brandName}`,
            assignedCount: moved.length,
            reassignedAccounts: moved.flatMap(({ email, previousBrandName }) =>
              previousBrandName === null ? [] : [{ email, previousBrandName }],
            ),
          };
        });
        deps.wake();
        return answer;
      },
      {
        body: BulkAssignment,
        response: BulkAssigned,
        detail: {
          access: "admin",
          idempotent: true,
          example: {
            body: {
              accountIds: [EXEMPLARS.emailAccount, EXEMPLARS.otherEmailAccount],
              brandId: EXEMPLARS.brand,
            },
          },
          summary: "Bulk Assign Email Accounts",
          description:
            "Bulk assign multiple email sender accounts to a brand (Admin only). Assigns all or none: unknown ids return 404 with `unknownIds`. Pending messages are treated as when a single mailbox is assigned.",
        },
      },
    );
}
