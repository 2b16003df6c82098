import { index, primaryKey, table, text, timestampMs } from "../columns.ts";

/** Responses stored under a user's Idempotency-Key, in the transaction of the work itself (`db/idempotency-keys.ts`). */
export const idempotencyKeys = table(
  "idempotency_keys",
  {
    userId: text("user_id").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of the request that used the key first: the key is rejected for a different request. */
    fingerprint: text("fingerprint").notNull(),
    /** Encrypted, because a response may contain a secret that is shown once. */
    answer: text("answer").notNull(),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_key", columns: [t.userId, t.key] }),
    index("idempotency_keys_created").on(t.createdAt),
  ],
);
