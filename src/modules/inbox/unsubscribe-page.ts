import { createHash } from "node:crypto";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
button { padding: .5rem 1rem; font: inherit }
`;

/** Allows the page's own style and its one form only: no script, no other address. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

function page(status: number, title: string, body: string): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy,
      "cache-control": "no-store",
      // The address contains the token, which no other site gets.
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Builds the page with the form, which posts to the page's own address. */
export function confirmationPage(brandName: string): Response {
  const brand = Bun.escapeHTML(brandName);
  return page(
    200,
    "Unsubscribe",
    `<p>${brand} will not write to you again.</p>\n<form method="post"><button>Unsubscribe</button></form>`,
  );
}

export function donePage(brandName: string): Response {
  return page(200, "You are unsubscribed", `<p>${Bun.escapeHTML(brandName)} will not write to you again.</p>`);
}

export function unknownLinkPage(): Response {
  return page(
    404,
    "This link does not work",
    "<p>It may be incomplete. Copy it whole from the mail, or answer the mail with the word “unsubscribe”.</p>",
  );
}
