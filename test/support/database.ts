import postgres from "postgres";

/** Creates an empty database on the server that DATABASE_URL names; without one `url` is null, which means SQLite. */
export async function createTestDatabase(): Promise<{ url: string | null; drop(): Promise<void> }> {
  const server = process.env.DATABASE_URL?.trim();
  if (!server) return { url: null, drop: async () => {} };
  const name = `reprise_test_${crypto.randomUUID().replaceAll("-", "")}`;
  const run = async (statement: string) => {
    const sql = postgres(server, { max: 1, onnotice: () => {} });
    await sql.unsafe(statement).finally(() => sql.end());
  };
  await run(`create database ${name}`);
  return {
    url: Object.assign(new URL(server), { pathname: `/${name}` }).href,
    drop: () => run(`drop database ${name} with (force)`),
  };
}
