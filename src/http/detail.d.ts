import type { Access } from "./access.ts";

declare module "elysia" {
  interface DocumentDecoration {
    /** Who may call this route. Absent means admins only. */
    access?: Access;
    /** The route does its work by `writeOnce`, so that it honours an Idempotency-Key. */
    idempotent?: true;
  }
}
