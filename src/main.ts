import { type Command, UsageError } from "./cli/command.ts";
import { commands } from "./cli/commands.ts";
import { setPrivateUmask } from "./lib/data-folder/private-files.ts";
import { AppError } from "./lib/errors.ts";
import { withoutLogins } from "./lib/logger.ts";
import { ConfigError } from "./server/config/config.ts";

function overview(): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    "Reprise: campaigns that follow up, stop at a reply or opt-out, and account for every credit.",
    "",
    "Usage: reprise <command> [options]",
    "",
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    "",
    "`reprise <command> --help` lists the options. Configuration comes from environment variables; see the README.",
  ].join("\n");
}

function find(args: readonly string[]): { command: Command; rest: string[] } | null {
  // `admin create` is longer than `admin`: the longest name that fits is meant.
  const fitting = commands.filter(({ name }) => name.split(" ").every((part, index) => args[index] === part));
  const command = fitting.sort((a, b) => b.name.length - a.name.length)[0];
  return command ? { command, rest: args.slice(command.name.split(" ").length) } : null;
}

async function main(args: string[]): Promise<number> {
  if (args.length === 0 || args[0] === "help" || args[0] === "--help" || args[0] === "-h") {
    console.log(overview());
    return args.length === 0 ? 2 : 0;
  }
  const found = find(args);
  if (!found) throw new UsageError(`there is no command ${JSON.stringify(args[0])}; \`reprise help\` lists them`);
  const { command, rest } = found;
  if (rest.includes("--help") || rest.includes("-h")) {
    console.log(
      [
        `Usage: reprise ${command.name} ${command.help.length > 0 ? "[options]" : ""}`.trim(),
        "",
        command.summary,
        ...(command.help.length > 0 ? ["", ...command.help.map((line) => `  ${line}`)] : []),
      ].join("\n"),
    );
    return 0;
  }
  return command.run(rest);
}

/** Prints the error in one line, without a stack. Returns 2 for a wrong call or configuration, 1 for other errors. */
function reportError(error: unknown): number {
  // An argument may hold a password, which the log of the terminal should not repeat.
  if (error instanceof UsageError) console.error(`reprise: ${withoutLogins(error.message)}`);
  else if (error instanceof ConfigError || error instanceof AppError) console.error(`reprise: ${error.message}`);
  else console.error(`reprise: ${error instanceof Error ? error.message.split("\n")[0] : "unexpected error"}`);
  return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

setPrivateUmask();
main(process.argv.slice(2))
  .catch(reportError)
  .then((code) => process.exit(code));
