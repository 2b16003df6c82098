import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { createSignedInUser } from "../support/api-campaign.ts";
import { PASSWORD } from "../support/api-client.ts";
import { findChromium, type OpenBrowser, openBrowser } from "../support/servers/chromium.ts";
import { type Service, startService } from "../support/service.ts";

setDefaultTimeout(60_000);

const where = findChromium() === null ? " (skipped: Chromium is not installed)" : "";

/** Opens an operation of the page. With `tryItOutEnabled` its form is ready at once. */
async function open(page: Page, method: string, path: string): Promise<Locator> {
  const operation = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".execute").waitFor();
  return operation;
}

/** Enters a token in the Authorize dialog of the page. */
async function authorize(page: Page, token: string): Promise<void> {
  await page.locator(".btn.authorize").first().click();
  const bearer = page.locator(".auth-container", { hasText: "bearerAuth" });
  await bearer.locator("input").fill(token);
  await bearer.getByRole("button", { name: "Apply credentials" }).click();
  await page.locator(".btn-done").first().click();
}

/** Presses Execute and returns the response that the page shows. */
async function execute(operation: Locator): Promise<{ status: string; body: string }> {
  const answer = operation.locator(".live-responses-table .response").first();
  // Clear the previous response, so that it is not taken for the new one.
  if (await answer.isVisible()) await operation.locator(".btn-clear").click();
  await operation.locator(".execute").click();
  await answer.waitFor();
  return {
    status: (await answer.locator(".response-col_status").textContent())?.trim() ?? "",
    body: (await answer.locator(".response-col_description pre").first().textContent()) ?? "",
  };
}

describe.skipIf(findChromium() === null)(`pages in a browser without a network${where}`, () => {
  // Keep the screenshots of the latest run for inspection.
  const pictures = join(tmpdir(), "reprise-pictures");
  const errors: string[] = [];
  let service: Service;
  let browser: OpenBrowser;
  let page: Page;

  beforeAll(async () => {
    service = await startService();
    browser = await openBrowser({ blockNetwork: true });
    page = browser.page;
    await page.setViewportSize({ width: 1280, height: 1400 });
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterAll(async () => {
    await browser.close();
    await service.remove();
  });

  test("claim page: the claim link creates the first admin, its token leaves the address bar, and a second use fails", async () => {
    const [, link = ""] = /(http:\S+\/api\/auth\/claim#token=\S+)/.exec(service.output()) ?? [];
    await page.goto(link);
    expect(new URL(page.url())).toMatchObject({ search: "", hash: "" });
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button").click();
    await page.getByText("you are the admin").waitFor();
    expect(await page.getByRole("button").count()).toBe(0);
    await page.screenshot({ path: join(pictures, "claimed.png") });

    await page.goto(link);
    await page.getByLabel("Name").fill("Eve");
    await page.getByLabel("E-mail").fill("eve@example.com");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button").click();
    await page.getByText("not valid any more").waitFor();
    // The browser logs the second response, a 403.
    expect(errors.splice(0)).toEqual([expect.stringContaining("403")]);
    await browser.context.clearCookies();
  });

  test("Swagger UI: every operation of the OpenAPI document is shown", async () => {
    await page.goto(`${service.url}/swagger`);
    await page.locator(".opblock").first().waitFor();
    const { body } = await service.api<{ paths: Record<string, object> }>("GET", "/swagger/json");
    const operations = Object.values(body.paths).reduce((sum, path) => sum + Object.keys(path).length, 0);
    expect(await page.locator(".opblock").count()).toBe(operations);
    expect(await page.locator(".errors-wrapper").count()).toBe(0);
    await page.screenshot({ path: join(pictures, "swagger.png") });
  });

  test("Swagger UI: an operation without authorization shows 401", async () => {
    const { status, body } = await execute(await open(page, "get", "/api/brands"));
    expect(status).toBe("401");
    expect(JSON.parse(body)).toMatchObject({ success: false, code: "UNAUTHENTICATED" });
    expect(errors.splice(0)).toEqual([expect.stringContaining("401")]);
  });

  test("Swagger UI: a user authorized with a session token creates a brand and lists the brand", async () => {
    const token = await createSignedInUser(service, await service.admin(), "owner@example.com");
    await authorize(page, token);
    await page.screenshot({ path: join(pictures, "authorized.png") });

    const create = await open(page, "post", "/api/brands");
    await create.locator("textarea.body-param__text").fill(JSON.stringify({ name: "Northwind Outreach" }));
    const created = await execute(create);
    expect(created.status).toBe("200");
    expect(JSON.parse(created.body)).toMatchObject({ success: true, brand: { name: "Northwind Outreach" } });
    await create.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, "created.png") });

    const listed = await execute(page.locator(".opblock-get", { has: page.locator(`[data-path="/api/brands"]`) }));
    expect(listed.status).toBe("200");
    expect(JSON.parse(listed.body).data).toEqual([expect.objectContaining({ name: "Northwind Outreach" })]);
  });

  test("Swagger UI: an admin signs in, authorizes, and executes operations of the reference page", async () => {
    await service.admin();
    await page.evaluate(() => localStorage.clear());
    await page.goto(`${service.url}/swagger`);
    await page.locator(".opblock").first().waitFor();
    const tags = await page.locator("h3.opblock-tag").all();
    expect(await Promise.all(tags.map((tag) => tag.getAttribute("data-tag")))).toEqual([
      ...["Auth", "Campaigns", "Health"],
      ...["Brands", "Senders", "Contacts", "Conversations", "Credits", "Payments"],
    ]);
    await page.screenshot({ path: join(pictures, "order.png"), fullPage: true });

    const signIn = await open(page, "post", "/api/auth/sign-in/email");
    const credentials = { email: "admin1@example.com", password: PASSWORD };
    await signIn.locator("textarea.body-param__text").fill(JSON.stringify(credentials));
    const entered = await execute(signIn);
    expect(entered.status).toBe("200");
    await authorize(page, JSON.parse(entered.body).token);

    for (const [method, path, list] of [
      ["get", "/api/auth/banned", "data"],
      ["post", "/api/auth/admin/brands", "brands"],
      ["post", "/api/auth/admin/email-accounts", "accounts"],
    ] as const) {
      const operation = await open(page, method, path);
      const { status, body } = await execute(operation);
      expect([path, status]).toEqual([path, "200"]);
      expect(JSON.parse(body)).toMatchObject({ success: true, [list]: expect.any(Array) });
      await operation.scrollIntoViewIfNeeded();
      await operation.screenshot({ path: join(pictures, `${path.split("/").at(-1)}.png`) });
    }
  });

  test("browser: no request went to another host, and the pages logged no error", () => {
    expect(browser.blocked).toEqual([]);
    expect(errors).toEqual([]);
  });
});
