/**
 * Builds Reprise into one executable: `bun scripts/build.ts [--outfile dist/reprise] [--target bun-linux-arm64] [--entry src/main.ts]`.
 * It needs no file beside it: migrations, the API page and all libraries are inside.
 */
import { parseArgs } from "node:util";
import { version } from "../package.json";

const root = `${import.meta.dir}/..`;

const { values } = parseArgs({
  options: {
    entry: { type: "string", default: `${root}/src/main.ts` },
    outfile: { type: "string", default: `${root}/dist/reprise` },
    target: { type: "string" },
  },
});

function isTarget(target: string): target is Bun.Build.CompileTarget {
  return /^bun-(linux|darwin|windows)-(x64|arm64)(-\w+)*$/.test(target);
}

/** The version of package.json and, where there is a repository, the commit: `0.1.0+aaded87`. */
function versionBuilt(): string {
  try {
    const git = Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: root, stderr: "ignore" });
    const commit = git.stdout.toString().trim();
    return git.success && commit ? `${version}+${commit}` : version;
  } catch {
    return version;
  }
}

const { entry, outfile, target } = values;
if (target !== undefined && !isTarget(target)) {
  console.error(
    `--target: expected something like bun-linux-x64, bun-linux-arm64-musl or bun-darwin-arm64, got ${target}`,
  );
  process.exit(2);
}

const built = versionBuilt();
const result = await Bun.build({
  entrypoints: [entry],
  target: "bun",
  // Bytecode saves parsing at start. Only as an ES module may the entry, or a library, await at its top level.
  bytecode: true,
  format: "esm",
  // Not identifiers: Elysia reads its handlers' source text to see which parts of a request they use.
  minify: { whitespace: true, syntax: true, identifiers: false },
  define: { "process.env.NODE_ENV": '"production"', REPRISE_VERSION: JSON.stringify(built) },
  compile: {
    outfile,
    ...(target ? { target } : {}),
    // What lies in the folder it is started from must not change what the program is; settings may come from .env.
    autoloadBunfig: false,
  },
  throw: false,
});

for (const message of result.logs) console.error(message);
const [executable] = result.outputs;
if (!result.success || !executable) process.exit(1);
console.log(`${executable.path}: reprise ${built}, ${(Bun.file(executable.path).size / 1e6).toFixed(1)} MB`);
