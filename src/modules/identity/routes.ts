import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import type { Identity } from "./identity.ts";
import { profileRoutes } from "./profile/routes.ts";
import { identityRoutes } from "./sign-in-routes.ts";

/** Accounts, sessions and API keys, and the profile of a user. */
export function identityModule(deps: Deps, identity: Identity) {
  return new Elysia().use(identityRoutes(deps, identity)).use(profileRoutes(deps));
}
