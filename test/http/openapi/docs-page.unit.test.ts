import { describe, expect, test } from "bun:test";
import { createSampleApp } from "./sample-app.ts";

describe("Swagger UI page", () => {
  const app = createSampleApp();
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.handle(new Request(`http://localhost${path}`, { headers }));

  test("all files that the page refers to are served by the app, and none by another host", async () => {
    const page = await get("/swagger");
    const html = await page.text();
    const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = ""]) => address);
    expect(named).toContain("/swagger/initializer.js");
    const types = await Promise.all(
      named.map(async (address) => {
        expect(address).toMatch(/^\/swagger\//);
        const answer = await get(address);
        expect(answer.status).toBe(200);
        expect((await answer.bytes()).length).toBeGreaterThan(100);
        return answer.headers.get("content-type")?.split(";")[0];
      }),
    );
    expect(new Set(types)).toEqual(new Set(["image/png", "text/css", "application/json", "text/javascript"]));
    expect(html + (await (await get("/swagger/initializer.js")).text())).not.toMatch(/https?:|["'(]\/\//);
  });

  test("the content security policy allows the own host only, and the page has no inline script", async () => {
    const page = await get("/swagger");
    const policy = page.headers.get("content-security-policy");
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toContain("unsafe");
    expect(await page.text()).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=/);
  });

  test("files are sent compressed to clients that accept gzip, and as 304 for a known ETag", async () => {
    const path = "/swagger/swagger-ui-bundle.js";
    const packed = await get(path, { "accept-encoding": "gzip, br" });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const plain = await get(path);
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.text()).toBe(new TextDecoder().decode(Bun.gunzipSync(await packed.arrayBuffer())));

    const known = await get(path, { "if-none-match": packed.headers.get("etag") ?? "" });
    expect([known.status, (await known.bytes()).length]).toEqual([304, 0]);
  });
});
