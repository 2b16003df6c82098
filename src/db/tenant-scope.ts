import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { AppError } from "../lib/errors.ts";

/** The part of a principal that decides which tenants' rows it may use. */
export interface ScopedPrincipal {
  role: "admin" | "user";
  /** The brand this user owns, if any. */
  brandId: string | null;
}

/** Acts as the service itself: workers, jobs, and service functions that have already checked whose row it is. */
export const SYSTEM: ScopedPrincipal = { role: "admin", brandId: null };

const made: unique symbol = Symbol("tenant scope");

/**
 * Names the tenants whose rows an operation may read and change. Only `tenantScope` makes one, so that neither a plain id nor
 * a forgotten null compiles where a service function expects it. A row outside of the scope is answered like a missing one.
 */
export type TenantScope = ({ readonly kind: "all" } | { readonly kind: "brand"; readonly brandId: string }) & {
  readonly [made]: true;
};

const ALL_TENANTS: TenantScope = { kind: "all", [made]: true };

/**
 * Derives the scope of a principal: a user's own brand; for an admin all brands, or the one that is named.
 * @throws AppError FORBIDDEN for a user who names another brand or owns none
 */
export function tenantScope(principal: ScopedPrincipal, named?: string): TenantScope {
  if (principal.role === "admin" && named === undefined) return ALL_TENANTS;
  return { kind: "brand", brandId: resolveBrandId(principal, named), [made]: true };
}

/**
 * Returns the one brand that a request is about: the principal's own; an admin may name another one, and must where they own
 * none.
 * @throws AppError FORBIDDEN as `tenantScope` does, INVALID for an admin who owns no brand and names none
 */
export function resolveBrandId(principal: ScopedPrincipal, named?: string): string {
  if (named !== undefined && named !== principal.brandId) {
    if (principal.role !== "admin") throw new AppError("FORBIDDEN", "This brand is not yours");
    return named;
  }
  if (principal.brandId === null) {
    throw principal.role === "admin"
      ? new AppError("INVALID", "brandId: expected a brand, because you own none", {
          details: [{ field: "brandId", message: "expected a brand's id: you own no brand yourself" }],
        })
      : new AppError("FORBIDDEN", "You have no brand yet: create one first (POST /api/brands)");
  }
  return principal.brandId;
}

/** Returns the condition that a brand's column lies in the scope; undefined where every brand does. */
export function inScope(scope: TenantScope, column: PgColumn | SQL): SQL | undefined {
  return scope.kind === "all" ? undefined : sql`${column} = ${scope.brandId}`;
}

/** Returns whether a brand's rows lie in the scope. */
export function isInScope(scope: TenantScope, brandId: string | null): boolean {
  return scope.kind === "all" || scope.brandId === brandId;
}
