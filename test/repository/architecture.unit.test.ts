import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";
import {
  filesAreShort,
  layersBuildOnLowerOnes,
  leavesImportNothing,
  modelsTakeOnlyShapes,
  namesSaySomething,
  noCycles,
  noDefaultExport,
  oneUntypedCast,
  type Rule,
  readSource,
  type Source,
  servicesKnowNoEdge,
} from "./architecture-rules.ts";
import { everyTableHasAnOwner, ownersWriteTheirTables } from "./table-owners.ts";

const paths = [...new Bun.Glob("src/**/*.ts").scanSync(PROJECT_ROOT)].sort();
const sources = await Promise.all(
  paths.map(async (path) => readSource(path, await Bun.file(join(PROJECT_ROOT, path)).text())),
);

/** Builds a source file with the given text, to break a rule or to come close and keep the rule. */
const file = (path: string, text: string): Source => readSource(path, text);
const importing = (path: string, target: string): Source => file(path, `import { it } from "${target}";\nit();`);

const SCHEMA_SAMPLE = ["bans", "conversations", "messages"].map((name) =>
  file(`src/db/schema/${name}.ts`, `export const ${name} = table(\n  "${name}",\n  {},\n);`),
);
/** A file that does something to a table, beside the schema. */
const writing = (path: string, text: string): Source[] => [...SCHEMA_SAMPLE, file(path, text)];

interface Case {
  rule: Rule;
  broken: Source[][];
  kept: Source[][];
}

const cases: Record<string, Case> = {
  "no import closes a cycle, types included": {
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
  "services import neither HTTP, nor Redis, nor the configuration": {
    rule: servicesKnowNoEdge,
    broken: [
      [importing("src/modules/suppressions/bans.ts", "elysia")],
      [importing("src/modules/suppressions/bans.ts", "../http/faults.ts")],
      [
        file(
          "src/modules/suppressions/bans.ts",
          'import type { Caller } from "../http/access.ts"; export type By = Caller;',
        ),
      ],
      [importing("src/delivery/tick.ts", "bullmq")],
      [importing("src/modules/credits/ledger.ts", "../config.ts")],
      [importing("src/modules/brands/model.ts", "../http/guard.ts")],
      [importing("src/modules/brands/brands.ts", "../http/model.ts")],
    ],
    kept: [
      [importing("src/modules/suppressions/routes.ts", "../http/guard.ts")],
      [importing("src/modules/suppressions/routes.ts", "elysia")],
      [importing("src/delivery/queue-bullmq.ts", "bullmq")],
      [
        importing("src/modules/brands/model.ts", "elysia"),
        importing("src/modules/brands/model.ts", "../http/model.ts"),
      ],
      [importing("src/server/app.ts", "./config.ts")],
    ],
  },
  "model files import only t from Elysia": {
    rule: modelsTakeOnlyShapes,
    broken: [
      [file("src/modules/brands/model.ts", 'import { Elysia, t } from "elysia";\nnew Elysia(t);')],
      [file("src/modules/brands/model.ts", 'import * as all from "elysia";\nall;')],
    ],
    kept: [[file("src/modules/brands/model.ts", 'import { type Static, t } from "elysia";\nt.String();')]],
  },
  "layers build on lower layers only, and every folder is in one": {
    rule: layersBuildOnLowerOnes,
    broken: [
      [importing("src/modules/brands/brands.ts", "../senders/senders.ts")],
      [
        file(
          "src/modules/brands/brands.ts",
          'import type { Sender } from "../senders/senders.ts"; export type S = Sender;',
        ),
      ],
      [importing("src/modules/campaigns/campaign-routes.ts", "../delivery/tick.ts")],
      [importing("src/modules/messages/messages.ts", "../bans/bans.ts")],
      [importing("src/http/guard.ts", "../brands/brands.ts")],
      [importing("src/lib/clock.ts", "./db/store.ts")],
      [file("src/unheardOf/thing.ts", "export const thing = 1;")],
    ],
    kept: [
      [importing("src/modules/contacts/contacts.ts", "../brands/brands.ts")],
      [importing("src/delivery/tick.ts", "../campaigns/campaigns.ts")],
      [importing("src/server/app.ts", "./simulator/routes.ts")],
    ],
  },
  "channels and the database import nothing of ours but the files of src": {
    rule: leavesImportNothing,
    broken: [
      [importing("src/channels/email/smtp.ts", "../delivery/tick.ts")],
      [importing("src/channels/email/smtp.ts", "../db/store.ts")],
      [importing("src/channels/gmail.ts", "../senders/secrets.ts")],
      [importing("src/db/store.ts", "../brands/brands.ts")],
      [file("src/db/store.ts", 'import type { Brand } from "../brands/brands.ts"; export type B = Brand;')],
    ],
    kept: [
      [importing("src/channels/email/smtp.ts", "../fault.ts"), importing("src/channels/email/smtp.ts", "./channel.ts")],
      [importing("src/channels/email/smtp.ts", "nodemailer"), importing("src/db/store.ts", "../clock.ts")],
    ],
  },
  "only the owner of a table writes it": {
    rule: ownersWriteTheirTables,
    broken: [
      writing("src/campaigns/a.ts", "tx.all(sql`update messages set status = 'SENT'`)"),
      writing("src/campaigns/a.ts", "tx.all(sql`update messages m set status = 'SENT'`)"),
      writing("src/campaigns/a.ts", "tx.all(sql`\n  INSERT INTO\n conversations (id) values (1)`)"),
      writing("src/campaigns/a.ts", "tx.all(sql`insert or ignore into conversations (id) values (1)`)"),
      writing("src/campaigns/a.ts", "tx.all(sql`with gone as (delete from bans returning 1) select 1`)"),
      writing("src/campaigns/a.ts", `tx.all(sql\`delete from \${bans} where true\`)`),
      writing("src/campaigns/a.ts", `tx.all(sql\`update \${bans} set scope = 1\`)`),
      writing("src/campaigns/a.ts", 'deleteWhere(tx, "bans", sql`true`)'),
      writing("src/campaigns/a.ts", "tx.insert(bans).values(row)"),
      writing("src/campaigns/a.ts", "tx\n  .update(bans)\n  .set(row)"),
      writing("src/campaigns/a.ts", "tx.delete(\n  bans,\n)"),
      writing("src/campaigns/a.ts", 'import { bans as list } from "../db/schema/bans.ts";\ntx.delete(list);'),
      writing("src/messages/routes.ts", "tx.delete(bans)"),
    ],
    kept: [
      writing("src/modules/suppressions/bans.ts", "tx.delete(bans); tx.all(sql`update bans set scope = 1`)"),
      writing("src/campaigns/a.ts", "tx.select().from(bans); tx.all(sql`select 1 from bans`)"),
      writing("src/campaigns/a.ts", "// bans: whoever wants to update bans sets them there"),
      writing("src/campaigns/a.ts", "kept.delete(key); hash.update(bytes)"),
      writing("src/db/transfer/rows.ts", "tx.delete(bans)"),
    ],
  },
  "every table has an owner": {
    rule: everyTableHasAnOwner,
    broken: [[file("src/db/schema/odd.ts", 'export const odd = table(\n  "odd_things", {})')]],
    kept: [SCHEMA_SAMPLE],
  },
  "names say what is inside": {
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
