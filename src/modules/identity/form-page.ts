import { createHash } from "node:crypto";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
label, button, output { display: block; margin-top: 1rem }
input { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { padding: .5rem 1rem; font: inherit }
[hidden] { display: none }
`;

/** Texts of a page behind a one-time link. All are constants: no input of a user is put into a page. */
export interface FormPage {
  title: string;
  heading: string;
  intro: string;
  /** The fields, as HTML. */
  fields: string;
  button: string;
  /** Path to which the form is sent, with the token of the link. */
  path: string;
  done: string;
  /** Text shown without JavaScript, as HTML. */
  noScript: string;
}

export const NAME_FIELD = '<label>Name <input name="name" required maxlength="120" autocomplete="name"></label>';
export const EMAIL_FIELD =
  '<label>E-mail <input name="email" type="email" required maxlength="254" autocomplete="username"></label>';
export const PASSWORD_FIELD =
  '<label>Password, 10 characters or more <input name="password" type="password" required minlength="10" maxlength="128" autocomplete="new-password"></label>';

// The token is in the fragment, which browsers do not send: it is in no log of a proxy. It is removed from the address bar
// at once, so that it is not in the history. A link that is opened where the page is open already only changes the fragment.
const renderScript = ({ path, done }: FormPage) => `
const form = document.querySelector("form");
const output = document.querySelector("output");
let token = "";
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  token = given;
  history.replaceState(null, "", location.pathname);
  output.textContent = "";
  form.querySelector("button").hidden = false;
}
takeToken();
addEventListener("hashchange", takeToken);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) });
    const response = await fetch("${path}", { method: "POST", headers: { "content-type": "application/json" }, body });
    const answer = await response.json();
    output.textContent = response.ok ? "${done}" : answer.message;
    button.hidden = response.ok;
  } catch {
    output.textContent = "The service did not answer. Try again.";
  }
  button.disabled = false;
});
`;

const renderHtml = (page: FormPage) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<style>${style}</style>
</head>
<body>
<h1>${page.heading}</h1>
<p>${page.intro}</p>
<form method="post">
${page.fields}
<button>${page.button}</button>
<output role="status"></output>
</form>
<noscript>${page.noScript}</noscript>
<script>${renderScript(page)}</script>
</body>
</html>
`;

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Renders a form that runs only its own script. It is the same for any token, so that it reveals nothing. */
export function formPage(page: FormPage): Response {
  return new Response(renderHtml(page), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": [
        "default-src 'none'",
        `style-src ${hash(style)}`,
        `script-src ${hash(renderScript(page))}`,
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Describes the response of an operation that returns a page. */
export const HTML_PAGE = {
  200: { description: "The page.", content: { "text/html": { schema: { type: "string" as const } } } },
};
