import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { migratePostgres } from "../db/migrate.ts";
import { EXACT_BIGINTS } from "../db/postgres/connection.ts";
import { deleteMark, findMark } from "../db/transfer/mark.ts";
import { compareTables, completeTransfer, copyTables, type TableDifference } from "../db/transfer/move.ts";
import { createProgress } from "../db/transfer/progress.ts";
import { openSource, type Source } from "../db/transfer/source.ts";
import { SECOND } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";

interface LedgerSummary {
  ok: boolean;
  entries: number;
}

/** Runs `reprise migrate --from sqlite://… --to postgres://…`. The exit code is 1 when the target differs from the source. */
export async function transfer(from: string, to: string, json: boolean): Promise<number> {
  const source = openSource(from);
  const target = postgres(to, { max: 1, onnotice: () => {}, types: EXACT_BIGINTS });
  const name = formatLocation(to);
  const began = performance.now();
  try {
    await target.begin(migratePostgres).catch((error) => {
      throw new AppError(
        "UNAVAILABLE",
        `--to: ${name} cannot be used: ${error instanceof Error ? error.message : error}`,
      );
    });
    const copying = createProgress(process.stderr, "moving   ");
    const copied = await copyTables(source, target, name, copying);
    copying.end();
    const comparing = createProgress(process.stderr, "comparing");
    const differences = await compareTables(source, target, copied, comparing);
    comparing.end();
    const [ledger, pending] = [await runLedgerVerify(to, source.folder), await comparePending(source, target)];
    const ok = differences.length === 0 && ledger.ok && pending.ok;
    if (ok) await completeTransfer(source, target);
    const seconds = Math.round((performance.now() - began) / SECOND);
    if (json) console.log(JSON.stringify({ ok, to: name, rows: copied.rows, seconds, differences, ledger, pending }));
    else printSummary(ok, name, copied.rows, seconds, differences, ledger, pending.messages, source);
    return ok ? 0 : 1;
  } finally {
    await target.end({ timeout: 5 });
    source.close();
  }
}

/** Removes the transfer's mark from the source, so that it can be served again. */
export async function abandonTransfer(from: string): Promise<number> {
  const source = openSource(from);
  try {
    const mark = findMark(source.handle);
    deleteMark(source.handle);
    if (mark === null) console.log("No transfer of this installation was in progress.");
    else {
      console.log(
        `This installation can be served again. Do not serve ${mark.to}, and empty it before another transfer:`,
      );
      console.log("messages that are pending in both would be sent twice.");
    }
    return 0;
  } finally {
    source.close();
  }
}

/** Returns `host:port/name` of a URL, without its password. */
function formatLocation(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** Verifies the ledger in a child process, because the schema of this process is SQLite's. */
async function runLedgerVerify(databaseUrl: string, folder: string): Promise<LedgerSummary> {
  const isCompiled = Bun.main.startsWith("/$bunfs/") || Bun.main.startsWith("B:/~BUN/");
  const program = isCompiled ? [process.execPath] : [process.execPath, Bun.main];
  const child = Bun.spawn([...program, "ledger", "verify", "--json"], {
    // The key is in the installation's folder, unless REPRISE_SECRET is set.
    env: { ...process.env, DATABASE_URL: databaseUrl, DATA_DIR: folder },
    stdout: "pipe",
    stderr: "inherit",
  });
  const stdout = await new Response(child.stdout).text();
  await child.exited;
  const { ok, entries } = JSON.parse(stdout || '{"ok":false,"entries":0}') as LedgerSummary;
  return { ok, entries };
}

/** Compares number and times of the pending messages. The comparison of all rows has shown that each single time is equal. */
async function comparePending({ handle }: Source, target: Sql): Promise<{ ok: boolean; messages: number }> {
  const query = `select count(*) as messages, coalesce(min(run_at), 0) as first, coalesce(max(run_at), 0) as last
    from messages where status = 'PENDING'`;
  const here = handle.query<Record<string, number>, []>(query).get() ?? {};
  const [there = {}] = await target.unsafe<Record<string, string>[]>(query);
  return {
    ok: Object.entries(here).every(([name, value]) => Number(there[name]) === Number(value)),
    messages: Number(here.messages),
  };
}

function printSummary(
  ok: boolean,
  name: string,
  rows: number,
  seconds: number,
  differences: readonly TableDifference[],
  ledger: LedgerSummary,
  pending: number,
  { folder }: Source,
): void {
  for (const { table, source, target } of differences)
    console.log(`${table}: ${source} rows in the source and ${target} in the target differ`);
  if (!ledger.ok)
    console.log("the ledger in the target does not balance: run `reprise ledger verify` on it for the differences");
  if (!ok) {
    console.log("The source is unchanged. Empty the target and transfer again, or end the transfer with `--abandon`.");
    return;
  }
  console.log(`${rows.toLocaleString("en-US")} rows were transferred to ${name} and compared in ${seconds} s.`);
  console.log(
    `${ledger.entries.toLocaleString("en-US")} ledger entries balance; ${pending} pending messages have their scheduled times.`,
  );
  console.log(`Start with DATABASE_URL, and REDIS_URL if there is one. Files in ${folder} that are still needed:`);
  const kept: [string, string][] = [
    ["secret.key", "the key: copy it into the new DATA_DIR, or set REPRISE_SECRET"],
    ["files", "profile images: keep the folder as DATA_DIR/files, or copy it into the bucket (S3_BUCKET)"],
    ["imports", "contact files being read: keep the folder as DATA_DIR/imports"],
  ];
  for (const [file, what] of kept) {
    const path = join(folder, file);
    const isEmpty = !existsSync(path) || (file !== "secret.key" && readdirSync(path).length === 0);
    if (!isEmpty) console.log(`  ${file.padEnd(11)} ${what}`);
  }
}
