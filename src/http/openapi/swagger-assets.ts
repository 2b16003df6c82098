import favicon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import style from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { serveAsset } from "../asset.ts";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reprise API</title>
<link rel="icon" type="image/png" href="/swagger/favicon.png">
<link rel="stylesheet" href="/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The document it shows is at <a href="/swagger/json">/swagger/json</a>.</noscript>
<script src="/swagger/swagger-ui-bundle.js" defer></script>
<script src="/swagger/initializer.js" defer></script>
</body>
</html>
`;

// A file of its own, because the page's policy allows no inline script.
// The document names the public address first. A page opened at another one may only reach its own host, the second server.
const initializer = `document.documentElement.classList.toggle("dark-mode", matchMedia("(prefers-color-scheme: dark)").matches);
const ui = SwaggerUIBundle({
  url: "/swagger/json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  // A token stays in this tab and goes with it: in the browser's storage every script of this host could read it for ever.
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete() {
    const [published] = ui.specSelectors.specJson().toJS().servers;
    if (new URL(published.url, location.href).origin !== location.origin) ui.oas3Actions.setSelectedServer("/");
  },
});
`;

/** Allows own files and requests to the own host only. Swagger UI draws icons from data URLs and shows fetched images from blobs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const text = (content: string) => async () => new TextEncoder().encode(content);
const file = (path: string) => () => Bun.file(path).bytes();

/** Serves the files of the page at /swagger from the program itself: the host may have no internet access. */
export const swaggerAssets = {
  "/swagger": serveAsset("text/html; charset=utf-8", text(page), { "content-security-policy": contentSecurityPolicy }),
  "/swagger/initializer.js": serveAsset("text/javascript; charset=utf-8", text(initializer)),
  "/swagger/swagger-ui-bundle.js": serveAsset("text/javascript; charset=utf-8", file(bundle)),
  "/swagger/swagger-ui.css": serveAsset("text/css; charset=utf-8", file(style)),
  "/swagger/favicon.png": serveAsset("image/png", file(favicon)),
};
