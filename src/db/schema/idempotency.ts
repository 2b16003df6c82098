import { index, primaryKey, table, text, timestampMs } from "../columns.ts";

/** Responses stored under a user's Idempotency-Key, in the transaction of the work itself (`db/idempotency-keys.ts`). */
export const idempotencyKeys = table(
  "idempotency_keys",
  {
    userId: text("user_id").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of the request it came with: the same key with another one is refused. */
    fingerprint: text("fingerprint").notNull(),
    /** Sealed: answers may hold what is shown once. */
    answer: text("answer").notNull(),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_key", columns: [t.userId, t.key] }),
    index("idempotency_keys_created").on(t.createdAt),
  ],
);
