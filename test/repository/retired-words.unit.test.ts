import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";

/** Words that once had a private meaning here, each with the standard word that is used instead. */
const RETIRED: Record<string, string> = {
  room: "module; for free capacity: space, capacity",
  door: "route",
  verb: "service function",
  bell: "notifier",
  porter: "standby server",
  census: "invariant report",
  reckoning: "brand ledger",
  pocket: "balance",
  surroundings: "context",
  newcomer: "new member",
  furnish: "seed",
  furnished: "seeded",
  exemplar: "example, demo id",
  repin: "reassign",
  breathe: "yield",
  nap: "sleep",
  echo: "scheduled reply",
  books: "ledger",
  presence: "principal",
  silences: "stop events",
  nobody: "no user, no contact",
  everyone: "all users, all contacts",
  somebody: "a user, a contact",
  whoever: "the caller, the user",
};

/** Texts in which a word is meant literally: sample data, names of people and rooms, the word list itself. */
const LITERAL = [/waiting rooms/gi, /\bRoom 12\b/g, /"nobody@/g, /contoso books|adatum books/gi, /\bMaya|Bell\b"/g];
const SKIPPED = /^test\/fixtures\/|\.csv$|\.bloom$|LICENSE|retired-words|opt-out-phrases|^docs\/benchmarks\.md$/;

/** Splits identifiers and file names into words: `createAdmission`, `body-budget`, `MAX_ROWS`. */
function wordsOf(text: string): Set<string> {
  const spaced = text.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_\-./]/g, " ");
  return new Set(spaced.toLowerCase().match(/[a-z]+/g) ?? []);
}

/** Lists the lines of a text that have a retired word, in the singular or the plural. */
function findRetired(path: string, text: string): string[] {
  return [path, ...text.split("\n")].flatMap((line, number) => {
    const words = wordsOf(LITERAL.reduce((rest, literal) => rest.replace(literal, ""), line));
    const found = Object.keys(RETIRED).filter((word) => words.has(word) || words.has(`${word}s`));
    return found.map((word) => `${path}:${number}: "${word}", use ${RETIRED[word]}`);
  });
}

const files = ["src", "test", "bench", "docs", "scripts"]
  .flatMap((folder) => [...new Bun.Glob(`${folder}/**/*`).scanSync(PROJECT_ROOT)])
  .concat(["README.md", "CONTRIBUTING.md", "SECURITY.md"])
  .filter((path) => !SKIPPED.test(path))
  .sort();

test("retired words: none is used in src, test, bench, docs and the documents of the project", async () => {
  expect(files.length).toBeGreaterThan(500);
  const texts = await Promise.all(
    files.map(async (path) => ({ path, text: await Bun.file(join(PROJECT_ROOT, path)).text() })),
  );
  expect(texts.flatMap(({ path, text }) => findRetired(path, text))).toEqual([]);
});

describe("retired words: the search", () => {
  test.each([
    ["src/a.ts", "// The rooms build on lower ones"],
    ["src/a.ts", "const writeToDoor = 1;"],
    ["src/bell-ringer.ts", ""],
    ["docs/a.md", "Nobody gets it twice."],
  ])("finds a word in %s: %s", (path, text) => expect(findRetired(path, text)).not.toEqual([]));

  test.each([
    ["src/a.ts", "const mushroom = indoor;"],
    ["test/a.ts", 'name: "Ferns for waiting rooms"'],
  ])("ignores other words in %s: %s", (path, text) => expect(findRetired(path, text)).toEqual([]));
});
