import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { conversationRoutes } from "./conversation-routes.ts";
import { unsubscribeRoutes } from "./unsubscribe-routes.ts";

/** Conversations, and the unsubscribe link of each mail. */
export function conversationsModule(deps: Deps) {
  return new Elysia().use(conversationRoutes(deps)).use(unsubscribeRoutes(deps));
}
