import type { Access } from "./access.ts";

declare module "elysia" {
  interface DocumentDecoration {
    /** Who may call this route. Absent means admins only. */
    access?: Access;
  }
}
