// Adds to package-lock.json the platform packages that the registry in use did not offer.
//
// A registry mirror may carry only some of the builds that a package lists under optionalDependencies. npm then
// leaves the others out of the lock file, and `npm ci` refuses it as out of step. An entry with its os and cpu is
// enough: npm skips it on every other platform, and fetches it by version where it fits. Run after `npm install`.
//
// Without a hash npm would install whatever it is given, so every entry gets the one that the registry publishes.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const systems = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "aix",
  "win32",
  "windows",
];
const processors = [
  "arm64",
  "aarch64",
  "x64",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
];
const npmName = { windows: "win32", aarch64: "arm64" };

/** Returns whether Node would find the package from `from`: in its own node_modules or in one above it. */
function isLocked(from, name) {
  const places = from.split("/node_modules/");
  return places.some((_, depth) => {
    const above = places.slice(0, places.length - depth).join("/node_modules/");
    return lock.packages[`${above}/node_modules/${name}`] || lock.packages[`node_modules/${name}`];
  });
}

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue;
    const words = name.split(/[/@-]/);
    const os = words.find((word) => systems.includes(word));
    const cpu = words.find((word) => processors.includes(word));
    if (!os || !cpu) continue;
    const clash = lock.packages[`node_modules/${name}`];
    const at = clash ? `${path}/node_modules/${name}` : `node_modules/${name}`;
    lock.packages[at] = {
      version,
      cpu: [npmName[cpu] ?? cpu],
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      os: [npmName[os] ?? os],
    };
    added++;
  }
}

/** The hash that the registry publishes of a version; empty where it does not know it. */
function publishedHash(name, version) {
  const shell = process.platform === "win32";
  const { stdout, status } = spawnSync("npm", ["view", `${name}@${version}`, "dist.integrity"], { shell });
  return status === 0 ? stdout.toString().trim() : "";
}

let hashed = 0;
const unknown = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  if (!path || entry.integrity || entry.link) continue;
  const integrity = publishedHash(path.split("node_modules/").at(-1), entry.version);
  if (integrity === "") unknown.push(path);
  else {
    const { version, ...rest } = entry;
    lock.packages[path] = { version, integrity, ...rest };
    hashed++;
  }
}
const root = lock.packages[""];
lock.packages = {
  "": root,
  ...Object.fromEntries(
    Object.entries(lock.packages)
      .filter(([path]) => path)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  ),
};
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added, ${hashed} hashes`);
if (unknown.length > 0) {
  console.error(`The registry in use knows no hash of ${unknown.join(", ")}: run this again with one that does`);
  process.exit(1);
}
