import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";

const Finding = t.Object({
  key: t.String({ description: "Stable identifier", examples: ["public-url-http"] }),
  severity: t.Union([t.Literal("HIGH"), t.Literal("MEDIUM"), t.Literal("LOW")]),
  message: t.String({ examples: ["PUBLIC_URL is plain http: passwords can be read on the network"] }),
  remedy: t.String({ examples: ["Put a proxy with TLS in front and set PUBLIC_URL to its https:// address"] }),
});

/** Registers the route of the installation's insecure settings, for admins. */
export function securityModule({ security }: Pick<Deps, "security">) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).get(
    "/security-findings",
    () => ({ success: true as const, findings: security.list() }),
    {
      response: t.Object({ success: t.Literal(true), findings: t.Array(Finding) }),
      detail: {
        access: "admin",
        summary: "List insecure settings",
        description:
          "Lists insecure settings of the configuration and the data folder, and observations since the start of this process, the most severe first, each with a remedy. They are logged at each start. Admins only.",
      },
    },
  );
}
