import { createHash } from "node:crypto";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
label, button, output { display: block; margin-top: 1rem }
input { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { padding: .5rem 1rem; font: inherit }
[hidden] { display: none }
`;

// The token stands in the fragment, which no browser sends: it is in no proxy's log. It leaves the address bar at once, so
// that it does not stay in the history. A link that is opened where the page is open already only changes the fragment.
const script = `
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
    const response = await fetch("/api/auth/claim", { method: "POST", headers: { "content-type": "application/json" }, body });
    const answer = await response.json();
    output.textContent = response.ok ? "Done: you are the admin, and signed in. The API is at /swagger." : answer.message;
    button.hidden = response.ok;
  } catch {
    output.textContent = "The service did not answer. Try again.";
  }
  button.disabled = false;
});
`;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reprise: the first admin</title>
<style>${style}</style>
</head>
<body>
<h1>The first admin</h1>
<p>Nobody looks after this installation yet. Whoever fills in this form does.</p>
<form method="post">
<label>Name <input name="name" required maxlength="120" autocomplete="name"></label>
<label>E-mail <input name="email" type="email" required maxlength="254" autocomplete="username"></label>
<label>Password, 10 characters or more <input name="password" type="password" required minlength="10" maxlength="128" autocomplete="new-password"></label>
<button>Become the admin</button>
<output role="status"></output>
</form>
<noscript>This form needs JavaScript. Without it, run <code>reprise admin create</code> on the server.</noscript>
<script>${script}</script>
</body>
</html>
`;

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The form behind the claim link. It is the same for everybody, whatever the token, so it tells a stranger nothing. */
export function claimPage(): Response {
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": [
        "default-src 'none'",
        `style-src ${hash(style)}`,
        `script-src ${hash(script)}`,
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
