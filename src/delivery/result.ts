import type { Outcome } from "../channels/channel.ts";
import type { Claim } from "./claim.ts";

/** A claim and what became of it. */
export interface Result {
  claim: Claim;
  /** `withdrawn` and `withheld` never set out: one is to be cancelled, the other waits for its campaign or contact. */
  outcome: Outcome | { kind: "withdrawn"; reason: string } | { kind: "withheld" };
}
