import { index, instant, integer, primaryKey, table, text } from "../columns.ts";

/**
 * Counters of sign-in attempts (`identity/signInThrottle.ts`). Every replica counts here, and a restart forgets nothing. What is
 * counted is hashed into a fixed number of buckets, so that nobody fills the table.
 */
export const signInCounters = table(
  "sign_in_counters",
  {
    bucket: integer("bucket").primaryKey(),
    /** When the whole burst is available again. From then on the row says nothing. */
    fullAgainAt: instant("full_again_at").notNull(),
  },
  (t) => [index("sign_in_counters_full").on(t.fullAgainAt)],
);

/** The addresses from which accounts were signed in to. Both are keyed hashes: the table alone names nobody. */
export const knownClients = table(
  "known_clients",
  {
    account: text("account").notNull(),
    client: text("client").notNull(),
    seenAt: instant("seen_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "known_clients_key", columns: [t.account, t.client] }),
    index("known_clients_seen").on(t.seenAt),
  ],
);
