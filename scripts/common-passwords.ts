/**
 * Builds src/modules/identity/passwords/common-passwords.bloom out of the list of common passwords in @zxcvbn-ts/language-common:
 * `bun scripts/common-passwords.ts`. Run it again after that package has changed, and commit the file.
 */
import { join, resolve } from "node:path";
import { buildBloomFilter } from "../src/modules/identity/passwords/bloom.ts";
import { normalizePassword } from "../src/modules/identity/passwords/guessable.ts";

const root = resolve(import.meta.dir, "..");
const list: string[] = await Bun.file(join(root, "node_modules/@zxcvbn-ts/language-common/src/passwords.json")).json();
const entries = [...new Set(list.map(normalizePassword))];
const target = join(root, "src/modules/identity/passwords/common-passwords.bloom");
const filter = buildBloomFilter(entries);
await Bun.write(target, filter);
console.log(`${target}: ${entries.length} passwords, ${(filter.length / 1000).toFixed(0)} kB`);
