import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";
import {
  descriptiveNames,
  kebabCase,
  lowerLayersOnly,
  noCycles,
  noDefaultExport,
  noEdgeInServices,
  oneUntypedCast,
  onlyShapesInModels,
  type Rule,
  readSource,
  type Source,
  shortFiles,
  shortFunctions,
} from "./architecture-rules.ts";
import { everyTableHasAnOwner, ownersWriteTheirTables } from "./table-owners.ts";

const paths = [...new Bun.Glob("src/**/*.ts").scanSync(PROJECT_ROOT)].sort();
const sources = await Promise.all(
  paths.map(async (path) => readSource(path, await Bun.file(join(PROJECT_ROOT, path)).text())),
);

/** Builds a source file with the given text, to break a rule or to come close and keep the rule. */
const file = (path: string, text: string): Source => readSource(path, text);
const importing = (path: string, target: string): Source => file(path, `import { it } from "${target}";\nit();`);

const SCHEMA_SAMPLE = [
  ["suppressions", "bans"],
  ["conversations", "conversations"],
  ["messages", "messages"],
].map(([name, table]) => file(`src/db/schema/${name}.ts`, `export const ${table} = table(\n  "${table}",\n  {},\n);`));
/** Builds a file that writes a table, beside the schema. */
const writing = (path: string, text: string): Source[] => [...SCHEMA_SAMPLE, file(path, text)];

interface Case {
  rule: Rule;
  broken: Source[][];
  kept: Source[][];
}

const cases: Record<string, Case> = {
  "imports form no cycle, types included": {
    rule: noCycles,
    broken: [
      [importing("src/a.ts", "./b.ts"), importing("src/b.ts", "./more/c.ts"), importing("src/more/c.ts", "../a.ts")],
      [importing("src/a.ts", "./a.ts")],
      [file("src/a.ts", 'await import("./b.ts");'), file("src/b.ts", 'export * from "./a.ts";')],
      [
        importing("src/a.ts", "./b.ts"),
        file("src/b.ts", 'import type { A } from "./a.ts"; export const b = (a: A) => a;'),
      ],
      [file("src/a.ts", 'export type B = import("./b.ts").B;'), importing("src/b.ts", "./a.ts")],
      [
        importing("src/a.ts", "./b.ts"),
        file("src/b.ts", 'import {\n  type A,\n} from "./a.ts"; export const b = (a: A) => a;'),
      ],
    ],
    kept: [[importing("src/a.ts", "./b.ts"), importing("src/a2.ts", "./b.ts"), importing("src/b.ts", "./c.ts")]],
  },
  "service functions import neither HTTP, nor BullMQ, nor Redis": {
    rule: noEdgeInServices,
    broken: [
      [importing("src/modules/suppressions/bans.ts", "elysia")],
      [importing("src/modules/suppressions/bans.ts", "../../http/middleware/errors.ts")],
      [
        file(
          "src/modules/suppressions/bans.ts",
          'import type { Principal } from "../../http/request-context.ts"; export type By = Principal;',
        ),
      ],
      [importing("src/modules/delivery/engine.ts", "bullmq")],
      [importing("src/modules/brands/model.ts", "../../http/middleware/guard.ts")],
      [importing("src/modules/brands/brands.ts", "../../http/schemas.ts")],
    ],
    kept: [
      [importing("src/modules/suppressions/routes.ts", "../../http/middleware/guard.ts")],
      [importing("src/modules/campaigns/member-routes.ts", "elysia")],
      [importing("src/modules/delivery/wakeup-queue.ts", "bullmq")],
      [
        importing("src/modules/brands/model.ts", "elysia"),
        importing("src/modules/brands/model.ts", "../../http/schemas.ts"),
      ],
      [importing("src/server/app.ts", "../http/formats.ts")],
    ],
  },
  "model files import only t from Elysia": {
    rule: onlyShapesInModels,
    broken: [
      [file("src/modules/brands/model.ts", 'import { Elysia, t } from "elysia";\nnew Elysia(t);')],
      [file("src/modules/brands/model.ts", 'import * as all from "elysia";\nall;')],
    ],
    kept: [[file("src/modules/brands/model.ts", 'import { type Static, t } from "elysia";\nt.String();')]],
  },
  "a file imports its own layer and lower ones, and every file is in a layer": {
    rule: lowerLayersOnly,
    broken: [
      [importing("src/modules/brands/brands.ts", "../senders/email-accounts.ts")],
      [
        file(
          "src/modules/brands/brands.ts",
          'import type { Sender } from "../senders/email-accounts.ts"; export type S = Sender;',
        ),
      ],
      [importing("src/modules/campaigns/campaign-routes.ts", "../delivery/engine.ts")],
      [importing("src/modules/messages/messages.ts", "../suppressions/bans.ts")],
      [importing("src/modules/messages/messages.ts", "../../server/config/config.ts")],
      [importing("src/http/middleware/guard.ts", "../../modules/brands/brands.ts")],
      [importing("src/lib/clock.ts", "../db/store.ts")],
      [importing("src/db/store.ts", "../modules/brands/brands.ts")],
      [importing("src/channels/email/smtp.ts", "../../db/store.ts")],
      [importing("src/channels/email/smtp.ts", "../../modules/delivery/engine.ts")],
      [importing("src/modules/simulator/run.ts", "../deps.ts")],
      [file("src/unknown/thing.ts", "export const thing = 1;")],
    ],
    kept: [
      [importing("src/modules/contacts/contacts.ts", "../brands/brands.ts")],
      [importing("src/modules/delivery/engine.ts", "../campaigns/campaigns.ts")],
      [importing("src/modules/delivery/engine.ts", "../../channels/channel.ts")],
      [importing("src/channels/email/smtp.ts", "../../lib/errors.ts")],
      [importing("src/channels/email/smtp.ts", "nodemailer"), importing("src/db/store.ts", "../lib/clock.ts")],
      [importing("src/server/app.ts", "../simulator/live.ts")],
    ],
  },
  "only the owner of a table writes it": {
    rule: ownersWriteTheirTables,
    broken: [
      writing("src/modules/campaigns/a.ts", "tx.all(sql`update messages set status = 'SENT'`)"),
      writing("src/modules/campaigns/a.ts", "tx.all(sql`update messages m set status = 'SENT'`)"),
      writing("src/modules/campaigns/a.ts", "tx.all(sql`\n  INSERT INTO\n conversations (id) values (1)`)"),
      writing("src/modules/campaigns/a.ts", "tx.all(sql`insert or ignore into conversations (id) values (1)`)"),
      writing("src/modules/campaigns/a.ts", "tx.all(sql`with gone as (delete from bans returning 1) select 1`)"),
      writing("src/modules/campaigns/a.ts", `tx.all(sql\`delete from \${bans} where true\`)`),
      writing("src/modules/campaigns/a.ts", `tx.all(sql\`update \${bans} set scope = 1\`)`),
      writing("src/modules/campaigns/a.ts", 'deleteWhere(tx, "bans", sql`true`)'),
      writing("src/modules/campaigns/a.ts", "tx.insert(bans).values(row)"),
      writing("src/modules/campaigns/a.ts", "tx\n  .update(bans)\n  .set(row)"),
      writing("src/modules/campaigns/a.ts", "tx.delete(\n  bans,\n)"),
      writing(
        "src/modules/campaigns/a.ts",
        'import { bans as list } from "../../db/schema/suppressions.ts";\ntx.delete(list);',
      ),
      writing("src/modules/messages/routes.ts", "tx.delete(bans)"),
    ],
    kept: [
      writing("src/modules/suppressions/bans.ts", "tx.delete(bans); tx.all(sql`update bans set scope = 1`)"),
      writing("src/modules/campaigns/a.ts", "tx.select().from(bans); tx.all(sql`select 1 from bans`)"),
      writing("src/modules/campaigns/a.ts", "// bans: to update bans, set them there"),
      writing("src/modules/campaigns/a.ts", "kept.delete(key); hash.update(bytes)"),
      writing("src/db/transfer/rows.ts", "tx.delete(bans)"),
    ],
  },
  "every table has an owner": {
    rule: everyTableHasAnOwner,
    broken: [[file("src/db/schema/extra.ts", 'export const extra = table(\n  "extra_rows", {})')]],
    kept: [SCHEMA_SAMPLE],
  },
  "file names describe the content": {
    rule: descriptiveNames,
    broken: [[file("src/utils.ts", "")], [file("src/brands/index.ts", "")], [file("src/common/time.ts", "")]],
    kept: [[file("src/brands/commonplace.ts", "")]],
  },
  "file and folder names are in kebab-case": {
    rule: kebabCase,
    broken: [[file("src/dataFolder.ts", "")], [file("src/Data/folder.ts", "")], [file("src/data_folder.ts", "")]],
    kept: [[file("src/data-folder/folder-access.ts", "")], [file("src/db/migrations.macro.ts", "")]],
  },
  "no function of the named folders has more than 70 lines": {
    rule: shortFunctions,
    broken: [
      [file("src/db/a.ts", `export function a() {\n${"  it();\n".repeat(70)}}`)],
      [file("src/db/a.ts", `class A {\n  async #a(): Promise<void> {\n${"    it();\n".repeat(70)}  }\n}`)],
      [file("src/db/a.ts", `export const a = async (b: string) => {\n${"  it();\n".repeat(70)}};`)],
    ],
    kept: [
      [file("src/db/a.ts", `export function a() {\n${"  it();\n".repeat(68)}}`)],
      [file("src/db/a.ts", `export const a = [\n${"  1,\n".repeat(100)}];`)],
    ],
  },
  "nothing is exported by default": {
    rule: noDefaultExport,
    broken: [[file("src/a.ts", "\nexport default {};")], [file("src/a.ts", "const a = 1;\nexport { a as default };")]],
    kept: [[file("src/a.ts", "// export default is not for us\nexport const a = 1;")]],
  },
  "no file is longer than 250 lines": {
    rule: shortFiles,
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
  expect(paths).toContain("src/lib/clock.ts");
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
