import type { Outcome } from "../../channels/channel.ts";
import type { Claim } from "./claim.ts";

/** A claim and its outcome. */
export interface Result {
  claim: Claim;
  /**
   * The channel's outcome, or the reason why the channel was not called: `recalled` messages are cancelled for `reason`,
   * `not_attempted` ones are due again.
   */
  outcome: Outcome | { kind: "recalled"; reason: string } | { kind: "not_attempted" };
}

export const NOT_ATTEMPTED = { kind: "not_attempted" } as const satisfies Result["outcome"];
