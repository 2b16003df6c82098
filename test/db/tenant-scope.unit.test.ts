import { describe, expect, test } from "bun:test";
import { contacts } from "../../src/db/schema/contacts.ts";
import { inScope, isInScope, SYSTEM, type TenantScope, tenantScope } from "../../src/db/tenant-scope.ts";
import { AppError } from "../../src/lib/errors.ts";

const owner = { role: "user", brandId: "b1" } as const;
const admin = { role: "admin", brandId: "b1" } as const;

function codeOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

describe("tenantScope", () => {
  test("a user: their own brand, named or not", () => {
    expect(tenantScope(owner)).toMatchObject({ kind: "brand", brandId: "b1" });
    expect(tenantScope(owner, "b1")).toMatchObject({ kind: "brand", brandId: "b1" });
  });

  test("a user who names another brand, or has none: FORBIDDEN", () => {
    expect(codeOf(() => tenantScope(owner, "b2"))).toBe("FORBIDDEN");
    expect(codeOf(() => tenantScope({ role: "user", brandId: null }))).toBe("FORBIDDEN");
    expect(codeOf(() => tenantScope({ role: "user", brandId: null }, "b2"))).toBe("FORBIDDEN");
  });

  test("an admin: all tenants, or the brand that is named", () => {
    expect(tenantScope(admin)).toMatchObject({ kind: "all" });
    expect(tenantScope(admin, "b2")).toMatchObject({ kind: "brand", brandId: "b2" });
    expect(tenantScope(SYSTEM)).toMatchObject({ kind: "all" });
  });

  test("the condition: none for all tenants, the brand's column for one", () => {
    expect(inScope(tenantScope(admin), contacts.brandId)).toBeUndefined();
    expect(inScope(tenantScope(owner), contacts.brandId)).toBeDefined();
    expect(isInScope(tenantScope(owner), "b1")).toBe(true);
    expect(isInScope(tenantScope(owner), "b2")).toBe(false);
    expect(isInScope(tenantScope(owner), null)).toBe(false);
    expect(isInScope(tenantScope(admin), null)).toBe(true);
  });

  test("an id, a null or an object of the same shape does not compile as a scope", () => {
    const use = (scope: TenantScope) => scope;
    // @ts-expect-error: an id is no scope.
    use("b1");
    // @ts-expect-error: null is no scope.
    use(null);
    // @ts-expect-error: only tenantScope makes one.
    use({ kind: "all" });
    // @ts-expect-error: only tenantScope makes one.
    use({ kind: "brand", brandId: "b1" });
    expect(use(tenantScope(owner)).kind).toBe("brand");
  });
});
