// Adds to package-lock.json the platform packages that the registry in use did not offer.
//
// A registry mirror may carry only some of the builds that a package lists under optionalDependencies. npm then
// leaves the others out of the lock file, and `npm ci` refuses it as out of step. An entry with its os and cpu is
// enough: npm skips it on every other platform, and fetches it by version where it fits. Run after `npm install`.
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

/** Whether Node would find the package from `from`: in its own node_modules or in one above it. */
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
console.log(`${added} platform packages added`);
