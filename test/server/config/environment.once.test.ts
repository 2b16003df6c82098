import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../../src/server/config/config.ts";
import { SECRET_VARIABLES } from "../../../src/server/config/secret-files.ts";
import { PROJECT_ROOT } from "../../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../../support/replica.ts";

const read = (path: string) => Bun.file(join(PROJECT_ROOT, path)).text();

interface Setting {
  name: string;
  /** The value that stands in the file; empty where there is no default. */
  value: string;
  explanation: string;
}

/** Returns the settings of `.env.example`, by the title of their group. */
function parseExample(text: string): Map<string, Setting[]> {
  const groups = new Map<string, Setting[]>();
  const [, ...sections] = text.split(/^# --- (?=.* ---$)/m);
  for (const section of sections) {
    const [title = "", ...lines] = section.trim().split("\n");
    const settings = lines.flatMap((line, index): Setting[] => {
      const [, name, value = ""] = line.match(/^#([A-Z0-9_]+)=(.*)$/) ?? [];
      return name === undefined ? [] : [{ name, value, explanation: lines[index - 1] ?? "" }];
    });
    groups.set(title.replace(/ ---$/, ""), settings);
  }
  return groups;
}

const groups = parseExample(await read(".env.example"));
const composeOnly = [...groups].find(([title]) => title.startsWith("Only for compose.yaml"))?.[1] ?? [];
const settings = [...groups.values()].flat().filter((setting) => !composeOnly.includes(setting));
const names = settings.map(({ name }) => name);
const inFiles = SECRET_VARIABLES.map((name) => `${name}_FILE`);

/** Every variable that the configuration names, from its source: it asks for each by a literal. */
const configFiles = [...new Bun.Glob("src/server/config/*.ts").scanSync(PROJECT_ROOT)];
const configText = (await Promise.all(configFiles.map(read))).join("\n");
const known = new Set([...configText.matchAll(/"([A-Z][A-Z0-9_]+)"/g)].map(([, name]) => name));

describe(".env.example", () => {
  test("has every variable of the configuration, once, and no other", () => {
    expect(known.size).toBeGreaterThan(40);
    expect(names.toSorted()).toEqual([...known, ...inFiles].map(String).toSorted());
  });

  test("explains each variable in the line above it", () => {
    const unexplained = [...settings, ...composeOnly].filter(({ explanation }) => !/^# \S.*[^\s]$/.test(explanation));
    expect(unexplained).toEqual([]);
  });

  test("sets nothing: every line is a comment", async () => {
    const lines = (await read(".env.example")).split("\n");
    expect(lines.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
  });

  test("shows the defaults: taken as they stand, they configure the same as nothing", () => {
    // Without a bucket a setting of it is an error, and so is a journal without the simulator.
    const needed = { S3_BUCKET: "images" };
    const shown = Object.fromEntries(settings.map(({ name, value }) => [name, value]));
    expect(parseConfig({ ...shown, ...needed })).toEqual(parseConfig(needed));
  });

  test("shows a default for every variable that has one", () => {
    // These have a default that depends on another variable, which their line explains.
    const conditional = ["S3_FORCE_PATH_STYLE", "CHARGEBEE_API_URL"];
    const valued = settings.filter(({ value }) => value !== "").map(({ name }) => name);
    expect(valued).not.toContainAnyValues(conditional);
    // Numbers and choices always have one; their names are those that a wrong value is reported for.
    const wrong = Object.fromEntries(settings.map(({ name }) => [name, "?"]));
    const reported = reportedFor({ ...wrong, ...Object.fromEntries(inFiles.map((name) => [name, ""])) }, "?");
    expect(reported.filter((name) => !valued.includes(name) && !conditional.includes(name))).toEqual([]);
  });
});

/** Returns the variables of whose value a message says that it was expected to be a number or one of some words. */
function reportedFor(env: Record<string, string>, given: string): string[] {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    const lines = error instanceof Error ? error.message.split("\n") : [];
    const pattern = new RegExp(`^ *([A-Z0-9_]+): expected (?:a whole number|a number|one of) .*got "\\${given}"$`);
    return lines.flatMap((line) => line.match(pattern)?.[1] ?? []);
  }
}

describe("README.md", () => {
  test("its configuration table has every variable of the configuration and no other", async () => {
    expect((await tableRows()).map(({ name }) => name).toSorted()).toEqual([...known].map(String).toSorted());
  });

  test("its configuration table marks the variables that may be given as files", async () => {
    const marked = (await tableRows()).filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect(marked.toSorted()).toEqual(SECRET_VARIABLES.toSorted());
  });
});

test(".env: the program takes settings from the file in the folder it is started in, and variables go before it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-env-"));
  try {
    writeFileSync(join(folder, ".env"), "PORT=from-the-file\n");
    const health = [process.execPath, join(PROJECT_ROOT, "src/main.ts"), "health"];
    const env = cleanEnvironment(folder);
    const fromFile = await runProgram(health, { cwd: folder, env });
    expect(fromFile.stderr).toContain('PORT: expected a whole number from 0 to 65535, got "from-the-file"');
    const fromVariable = await runProgram(health, { cwd: folder, env: { ...env, PORT: "from-a-variable" } });
    expect(fromVariable.stderr).toContain('got "from-a-variable"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Returns the variables in the first column of README's configuration table. */
async function tableRows(): Promise<{ name: string; isSecret: boolean }[]> {
  const section = (await read("README.md")).split(/^## /m).find((text) => text.startsWith("Configuration\n")) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([A-Z0-9_]+)`( ¹)?/g)])
    .map(([, name = "", mark]) => ({ name, isSecret: mark !== undefined }));
}
