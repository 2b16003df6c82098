import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  channelsAreLeaves,
  databaseKnowsNoRoom,
  filesAreShort,
  modelsTakeOnlyShapes,
  namesSaySomething,
  noCircles,
  noDefaultExport,
  oneUntypedCast,
  type Rule,
  readSource,
  roomsBuildOnLowerOnes,
  type Source,
  verbsKnowNoEdge,
} from "./support/architecture.ts";

const root = join(import.meta.dir, "..");
const paths = [...new Bun.Glob("src/**/*.ts").scanSync(root)].sort();
const sources = await Promise.all(paths.map(async (path) => readSource(path, await Bun.file(join(root, path)).text())));

/** Builds a source file with the given text, to break a rule or to come close and keep the rule. */
const file = (path: string, text: string): Source => readSource(path, text);
const importing = (path: string, target: string): Source => file(path, `import { it } from "${target}";\nit();`);

interface Case {
  rule: Rule;
  broken: Source[][];
  kept: Source[][];
}

const cases: Record<string, Case> = {
  "imports form no cycle": {
    rule: noCircles,
    broken: [
      [importing("src/a.ts", "./b.ts"), importing("src/b.ts", "./rooms/c.ts"), importing("src/rooms/c.ts", "../a.ts")],
      [importing("src/a.ts", "./a.ts")],
      [file("src/a.ts", 'await import("./b.ts");'), file("src/b.ts", 'export * from "./a.ts";')],
    ],
    kept: [
      [importing("src/a.ts", "./b.ts"), importing("src/a2.ts", "./b.ts"), importing("src/b.ts", "./c.ts")],
      [
        importing("src/a.ts", "./b.ts"),
        file("src/b.ts", 'import type { A } from "./a.ts"; export const b = (a: A) => a;'),
      ],
    ],
  },
  "db/ imports no module above it": {
    rule: databaseKnowsNoRoom,
    broken: [[importing("src/db/store.ts", "../brands/brands.ts")]],
    kept: [[importing("src/db/store.ts", "../clock.ts")], [importing("src/brands/brands.ts", "../db/store.ts")]],
  },
  "service functions import neither HTTP, nor Redis, nor the configuration": {
    rule: verbsKnowNoEdge,
    broken: [
      [importing("src/bans/bans.ts", "elysia")],
      [importing("src/bans/bans.ts", "../http/faults.ts")],
      [importing("src/delivery/tick.ts", "bullmq")],
      [importing("src/credits/ledger.ts", "../config.ts")],
      [importing("src/brands/model.ts", "../http/guard.ts")],
      [importing("src/brands/brands.ts", "../http/model.ts")],
    ],
    kept: [
      [importing("src/bans/routes.ts", "../http/guard.ts")],
      [importing("src/bans/routes.ts", "elysia")],
      [importing("src/delivery/queue-bullmq.ts", "bullmq")],
      [importing("src/brands/model.ts", "elysia"), importing("src/brands/model.ts", "../http/model.ts")],
      [importing("src/app.ts", "./config.ts")],
    ],
  },
  "model files import only t from Elysia": {
    rule: modelsTakeOnlyShapes,
    broken: [
      [file("src/brands/model.ts", 'import { Elysia, t } from "elysia";\nnew Elysia(t);')],
      [file("src/brands/model.ts", 'import * as all from "elysia";\nall;')],
    ],
    kept: [[file("src/brands/model.ts", 'import { type Static, t } from "elysia";\nt.String();')]],
  },
  "modules import only lower modules": {
    rule: roomsBuildOnLowerOnes,
    broken: [
      [importing("src/brands/brands.ts", "../senders/senders.ts")],
      [importing("src/campaigns/routes.ts", "../delivery/tick.ts")],
      [importing("src/messages/messages.ts", "../bans/bans.ts")],
    ],
    kept: [
      [importing("src/contacts/contacts.ts", "../brands/brands.ts")],
      [importing("src/delivery/tick.ts", "../campaigns/campaigns.ts")],
      [importing("src/app.ts", "./simulator/routes.ts")],
    ],
  },
  "channels import only the allowed files": {
    rule: channelsAreLeaves,
    broken: [
      [importing("src/channels/smtp.ts", "../delivery/tick.ts")],
      [importing("src/channels/smtp.ts", "../db/store.ts")],
    ],
    kept: [
      [importing("src/channels/smtp.ts", "../fault.ts"), importing("src/channels/smtp.ts", "./channel.ts")],
      [importing("src/channels/gmail.ts", "../senders/secrets.ts"), importing("src/channels/smtp.ts", "nodemailer")],
    ],
  },
  "file names describe the content": {
    rule: namesSaySomething,
    broken: [[file("src/utils.ts", "")], [file("src/brands/index.ts", "")], [file("src/common/time.ts", "")]],
    kept: [[file("src/brands/commonplace.ts", "")]],
  },
  "nothing is exported by default": {
    rule: noDefaultExport,
    broken: [[file("src/a.ts", "\nexport default {};")], [file("src/a.ts", "const a = 1;\nexport { a as default };")]],
    kept: [[file("src/a.ts", "// export default is not for us\nexport const a = 1;")]],
  },
  "no file is longer than 250 lines": {
    rule: filesAreShort,
    broken: [[file("src/a.ts", "it();\n".repeat(251))]],
    kept: [[file("src/a.ts", "it();\n".repeat(250))]],
  },
  "only the cast in db/columns.ts suppresses the rule against any": {
    rule: oneUntypedCast,
    broken: [[file("src/a.ts", "// biome-ignore lint/suspicious/noExplicitAny: in a hurry")]],
    kept: [[file("src/db/columns.ts", "// biome-ignore lint/suspicious/noExplicitAny: the one cast")]],
  },
};

test("architecture: the glob finds the source files of src", () => {
  expect(paths).toContain("src/clock.ts");
});

describe.each(Object.entries(cases))("architecture: %s", (_, { rule, broken, kept }) => {
  test("the source files of src keep the rule", () => expect(rule(sources)).toEqual([]));
  test.each(broken.map((planted) => [planted]))("a violation (case %#) is reported", (planted) =>
    expect(rule(planted)).not.toEqual([]),
  );
  test.each(kept.map((planted) => [planted]))("an allowed source (case %#) is not reported", (planted) =>
    expect(rule(planted)).toEqual([]),
  );
});
