// Runs before `npm start` and `npm test`, with Node and npm alone: a fresh checkout installs itself.
// Silent when nothing is to be done.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bun = `${root}/node_modules/bun/bin/bun.exe`; // on every platform

/** Loads the packages of a lock file: the version of each, by the folder it is installed in. */
function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(`${root}/${lockFile}`, "utf8")).packages;
  } catch {
    return {};
  }
}

/** Compares contents, as a checkout dates files anew. Optional packages may be missing: they depend on the platform. */
function isOutOfDate() {
  const installed = packagesOf("node_modules/.package-lock.json");
  return Object.entries(packagesOf("package-lock.json")).some(
    ([folder, { version, optional }]) =>
      folder && installed[folder]?.version !== version && !(optional && !installed[folder]),
  );
}

function bunRuns() {
  return spawnSync(bun, ["--version"]).status === 0;
}

function run(reason, command, ...options) {
  console.log(`${reason}: ${[command, ...options].join(" ")}`);
  const { status } = spawnSync(command, options, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}

if (isOutOfDate() || !existsSync(bun))
  run("The packages are not those of package-lock.json", "npm", "ci", "--include=dev");
// Npm can be set not to run the scripts of packages, and then bun lacks its program.
if (!bunRuns()) run("Bun is not complete", "node", "node_modules/bun/install.js");
if (!bunRuns()) {
  console.error("Bun does not run on this machine. Remove node_modules and try again.");
  process.exit(1);
}
