import { Elysia } from "elysia";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { requestContext } from "../../../http/request-context.ts";
import type { Deps } from "../../deps.ts";
import { assignMailboxes } from "../assignment.ts";
import { AssignmentRequest, AssignmentResponse, BulkAssignmentRequest, BulkAssignmentResponse } from "./model.ts";

/** Assigns mailboxes to brands, for admins. */
export function assignmentRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/assign-email-account",
      async ({ body, context }) => {
        const answer = await runIdempotent(deps, context, async (tx) => {
          const { brandName, reassigned } = await assignMailboxes(tx, [body.accountId], body.brandId);
          const [mailbox] = reassigned;
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
        body: AssignmentRequest,
        response: AssignmentResponse,
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { accountId: DEMO_IDS.otherEmailAccount, brandId: DEMO_IDS.otherBrand } },
          summary: "Assign Email Account to Brand",
          description:
            "Assign an email sender account to a brand (Admin only). Pending messages of the previous brand get another of its mailboxes, or wait with SENDER_REASSIGNED. `previousBrandName` is null when no other brand had the mailbox.",
        },
      },
    )
    .post(
      "/bulk-assign-email-accounts",
      async ({ body, context }) => {
        const answer = await runIdempotent(deps, context, async (tx) => {
          const { brandName, reassigned } = await assignMailboxes(tx, body.accountIds, body.brandId);
          return {
            success: true,
            message: `${reassigned.length} ${reassigned.length === 1 ? "mailbox is" : "mailboxes are"} now assigned to ${brandName}`,
            assignedCount: reassigned.length,
            reassignedAccounts: reassigned.flatMap(({ email, previousBrandName }) =>
              previousBrandName === null ? [] : [{ email, previousBrandName }],
            ),
          };
        });
        deps.wake();
        return answer;
      },
      {
        body: BulkAssignmentRequest,
        response: BulkAssignmentResponse,
        detail: {
          access: "admin",
          idempotent: true,
          example: {
            body: {
              accountIds: [DEMO_IDS.emailAccount, DEMO_IDS.otherEmailAccount],
              brandId: DEMO_IDS.brand,
            },
          },
          summary: "Bulk Assign Email Accounts",
          description:
            "Bulk assign multiple email sender accounts to a brand (Admin only). Assigns all or none: unknown ids return 404 with `unknownIds`. Pending messages are treated as when a single mailbox is assigned.",
        },
      },
    );
}
