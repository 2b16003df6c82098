/**
 * Builds Reprise into one executable: `bun scripts/build.ts [--outfile dist/reprise] [--target bun-linux-arm64] [--revision aaded87]`.
 * It needs no file beside it: migrations, the API page and all libraries are inside.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json";

const root = resolve(import.meta.dir, "..");

const { entry, outfile, target, revision } = parseArgs({
  options: {
    entry: { type: "string", default: resolve(root, "src/main.ts") },
    outfile: { type: "string", default: resolve(root, "dist/reprise") },
    target: { type: "string" },
    /** The commit, where the repository itself is not at hand. */
    revision: { type: "string" },
  },
}).values;

function isTarget(name: string): name is Bun.Build.CompileTarget {
  return /^bun-(linux|darwin|windows)-(x64|arm64)(-\w+)*$/.test(name);
}

function commit(): string {
  if (revision) return revision.slice(0, 7);
  if (!Bun.which("git")) return "";
  const git = Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: root, stderr: "ignore" });
  return git.stdout.toString().trim();
}

/** `0.1.0+aaded87`; without the commit where none is known. */
function versionToBuild(): string {
  const hash = commit();
  return hash ? `${version}+${hash}` : version;
}

/** Swagger UI is 1.9 MB as it comes and 0.5 MB packed, as browsers take it anyway (`http/asset.ts`). */
const packedPage: Bun.BunPlugin = {
  name: "packed page",
  setup(build) {
    build.onLoad({ filter: /swagger-ui-dist\/.*\.(js|css)$/ }, async ({ path }) => ({
      contents: Bun.gzipSync(await Bun.file(path).bytes(), { level: 9 }),
      loader: "file",
    }));
  },
};

if (target !== undefined && !isTarget(target)) {
  console.error(`--target: expected the like of bun-linux-x64, bun-linux-arm64-musl, bun-darwin-arm64; got ${target}`);
  process.exit(2);
}

const built = versionToBuild();
const result = await Bun.build({
  entrypoints: [entry],
  target: "bun",
  // Bytecode of the modules' top level halves the time to start; that of every function besides adds 10 MB and wins 8 ms more.
  bytecode: true,
  bytecodeDepth: 0,
  // ES modules, for only they may await at the top level; split, so that what is imported late is also loaded late.
  format: "esm",
  splitting: true,
  // Identifiers stay: Elysia reads its handlers' source text to see which parts of a request they use.
  minify: { whitespace: true, syntax: true, identifiers: false },
  define: { "process.env.NODE_ENV": '"production"', REPRISE_VERSION: JSON.stringify(built) },
  plugins: [packedPage],
  // A bunfig.toml in the folder it is started from must not change what the program is. Settings may come from .env.
  compile: { outfile, autoloadBunfig: false, ...(target ? { target } : {}) },
  throw: false,
});

for (const message of result.logs) console.error(message);
if (!result.success) process.exit(1);
console.log(`reprise ${built}: ${outfile}, ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB`);
