import { filterPaths, registerSchemaPath } from "@elysiajs/swagger/utils";
import { Kind, type TSchema } from "@sinclair/typebox";
import { Elysia, type InternalRoute } from "elysia";
import { serveAsset } from "../asset.ts";
import { isObject, toJson } from "../json.ts";
import { normalizeDocument } from "./normalize.ts";
import { swaggerAssets } from "./swagger-assets.ts";
import { sortPaths, TAGS } from "./tags.ts";

const methods = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/** Describes the kinds of credentials. Over https the name of the cookie has a prefix (`cookieName`). */
function securitySchemes(publicUrl: string) {
  const cookie = `${publicUrl.startsWith("https:") ? "__Host-" : ""}reprise.session_token`;
  return {
    bearerAuth: { type: "http", scheme: "bearer", description: "The token of a session, as signing in returns it." },
    apiKey: { type: "apiKey", in: "header", name: "x-api-key", description: "An API key." },
    cookie: { type: "apiKey", in: "cookie", name: cookie, description: "A browser's session, set by signing in." },
  };
}

function isTypeBox(entry: [string, object]): entry is [string, TSchema] {
  return Kind in entry[1];
}

/** Collects the paths of all routes. Catch-all routes are left out: they are no operation. */
function collectPaths(routes: readonly InternalRoute[], models: Record<string, TSchema>): object {
  const paths = {};
  for (const { method, path, hooks } of routes) {
    if (hooks.detail?.hide || !methods.has(method)) continue;
    registerSchemaPath({ schema: paths, hook: hooks, method, path, models });
  }
  return filterPaths(paths, { excludeStaticFile: false, exclude: [] });
}

export interface DocsOptions {
  /** Public address of the service; the first server of the document. */
  publicUrl: string;
  version: string;
}

/**
 * Serves the OpenAPI 3.1 document at /swagger/json and Swagger UI at /swagger.
 * Uses only the collecting of @elysiajs/swagger: its own page loads scripts from a public CDN.
 */
export function apiDocs({ publicUrl, version }: DocsOptions) {
  const plugin = new Elysia({ name: "docs", detail: { hide: true, access: "public", inputLimits: false } });

  async function document(): Promise<Uint8Array<ArrayBuffer>> {
    // biome-ignore lint/complexity/useLiteralKeys: protected in the types, yet the way @elysiajs/swagger asks the app it is mounted in.
    const routes = plugin["getGlobalRoutes"]();
    // biome-ignore lint/complexity/useLiteralKeys: as above.
    const models = Object.entries(plugin["getGlobalDefinitions"]().type).filter(isTypeBox);
    const schemes = securitySchemes(publicUrl);
    const collected = {
      openapi: "3.1.1",
      info: {
        title: "Reprise",
        version,
        description:
          "Campaigns by e-mail, SMS and voicemail with follow-ups that stop at a reply, and a verifiable credit ledger.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: publicUrl }, { url: "/", description: "The host this document comes from" }],
      tags: TAGS,
      security: Object.keys(schemes).map((name) => ({ [name]: [] })),
      paths: collectPaths(routes, Object.fromEntries(models)),
      components: { securitySchemes: schemes, schemas: Object.fromEntries(models) },
    };
    const polished = normalizeDocument(toJson(collected));
    const paths = isObject(polished.paths) ? sortPaths(polished.paths) : {};
    return new TextEncoder().encode(JSON.stringify({ ...polished, paths }));
  }

  for (const [path, serve] of Object.entries({
    ...swaggerAssets,
    "/swagger/json": serveAsset("application/json", document),
  })) {
    plugin.get(path, async ({ request }) => serve(request));
  }
  return plugin;
}
