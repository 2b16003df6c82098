import { Elysia, t } from "elysia";
import { ignoreBody } from "../../http/route-policies.ts";
import type { Deps } from "../deps.ts";
import { findBrandName, parseUnsubscribeToken, unsubscribe } from "./unsubscribe.ts";
import { confirmationPage, donePage, unknownLinkPage } from "./unsubscribe-page.ts";

const params = t.Object({ token: t.String({ maxLength: 16_384 }) });

/**
 * Routes of the unsubscribe link in every campaign mail. A GET shows a page and never acts, because mail scanners follow links.
 * A POST acts: the page's button sends one, and so does a mail program (RFC 8058). Neither needs more than the address.
 */
export function unsubscribeRoutes({ store, signer, log, wake }: Deps) {
  async function findSubscription(token: string): Promise<{ conversationId: string; brandName: string } | null> {
    const conversationId = parseUnsubscribeToken(signer, token);
    const brandName = conversationId === null ? null : await findBrandName(store.read, conversationId);
    return conversationId === null || brandName === null ? null : { conversationId, brandName };
  }

  return new Elysia({ prefix: "/u", detail: { access: "public", hide: true, inputLimits: false } })
    .get(
      "/:token",
      async ({ params }) => {
        const subscription = await findSubscription(params.token);
        return subscription ? confirmationPage(subscription.brandName) : unknownLinkPage();
      },
      { params },
    )
    .post(
      "/:token",
      async ({ params }) => {
        const subscription = await findSubscription(params.token);
        if (!subscription) return unknownLinkPage();
        const { conversationId, brandName } = subscription;
        const cancelled = await store.write((tx) => unsubscribe(tx, conversationId));
        log.info("conversations.unsubscribed", { conversationId, cancelled });
        wake();
        return donePage(brandName);
      },
      // The body is ignored, in any form: the address has everything.
      { params, parse: ignoreBody },
    );
}
