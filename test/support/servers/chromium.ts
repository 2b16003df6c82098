import { existsSync } from "node:fs";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { findProgram } from "./temp-server.ts";

export interface OpenBrowser {
  page: Page;
  /** Context for further pages that share cookies; `context.browser()` for those that must not. */
  context: BrowserContext;
  /** Addresses outside this machine that pages requested while the network is blocked. */
  blocked: string[];
  close(): Promise<void>;
}

export function findChromium(): string | null {
  const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
  const installed = names.map(findProgram).find((path) => path !== null);
  const onMac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  return installed ?? (existsSync(onMac) ? onMac : null);
}

/** Flags that keep a browser from requests of its own. */
const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Sends every request but those to this machine to a closed proxy port, redirects and workers included. */
const offline = ["--proxy-server=http://127.0.0.1:1", "--proxy-bypass-list=127.0.0.1;localhost"];

/** Opens an empty page in a new headless Chromium. */
export async function openBrowser({ blockNetwork = false } = {}): Promise<OpenBrowser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("Chromium is not installed");
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    // Chromium's sandbox does not work for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: blockNetwork ? [...quiet, ...offline] : quiet,
  });
  const context = await browser.newContext();
  const blocked: string[] = [];
  if (blockNetwork) {
    const note = (address: string) => {
      if (isElsewhere(address)) blocked.push(address);
    };
    context.on("request", (request) => note(request.url()));
    context.on("page", (page) => page.on("websocket", (socket) => note(socket.url())));
  }
  return { page: await context.newPage(), context, blocked, close: () => browser.close() };
}

function isElsewhere(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return /^(https?|wss?):$/.test(protocol) && hostname !== "127.0.0.1" && hostname !== "localhost";
}
