import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";

const Finding = t.Object({
  key: t.String({ description: "Stays the same over versions", examples: ["public-url-http"] }),
  severity: t.Union([t.Literal("HIGH"), t.Literal("MEDIUM"), t.Literal("LOW")]),
  message: t.String({ examples: ["PUBLIC_URL is plain http: passwords can be read on their way"] }),
  remedy: t.String({ examples: ["Put a proxy with TLS in front and set PUBLIC_URL to its https:// address"] }),
});

/** Insecure settings of the installation, for admins. */
export function securityRoutes({ security }: Pick<Deps, "security">) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).get(
    "/security-findings",
    () => ({ success: true as const, findings: security.list() }),
    {
      response: t.Object({ success: t.Literal(true), findings: t.Array(Finding) }),
      detail: {
        access: "admin",
        summary: "List insecure settings",
        description:
          "Returns what is insecure in the configuration, the data folder and what was seen since the start of the process that answers, gravest first, with what to do about it. The same stands in its log at each start. Admins only.",
      },
    },
  );
}
