import { defineConfig } from "drizzle-kit";

// The schema picks its builders by this variable; generating migrations connects to nothing.
process.env.DATABASE_URL = "postgres://localhost/reprise";

export default defineConfig({ dialect: "postgresql", schema: "./src/db/schema/*.ts", out: "./drizzle/postgres" });
