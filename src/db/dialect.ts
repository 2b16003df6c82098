export type Dialect = "sqlite" | "postgres";

/** Returns the database of a process: Postgres when DATABASE_URL names one, else SQLite in the data folder. */
function parseDialect(databaseUrl: string | undefined): Dialect {
  return /^postgres(ql)?:/i.test(databaseUrl?.trim() ?? "") ? "postgres" : "sqlite";
}

/**
 * The database of this process, chosen once when the schema is built. Besides `config.ts` only this file reads the
 * environment: tables are constants, so their builder must be known before a configuration object exists.
 */
export const dialect: Dialect = chooseDialect(process.env);

function chooseDialect({ DATABASE_URL, DATABASE_URL_FILE }: NodeJS.ProcessEnv): Dialect {
  // `config.ts` reads and checks the file. SQLite needs none.
  return !DATABASE_URL?.trim() && DATABASE_URL_FILE?.trim() ? "postgres" : parseDialect(DATABASE_URL);
}
