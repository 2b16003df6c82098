/**
 * The roles of a process: `api` answers requests and parses contact files, `scheduler` runs periodic jobs, `worker` sends.
 * Any number of each may work on one Postgres.
 */
type Role = (typeof ROLES)[number];

const ROLES = ["api", "scheduler", "worker"] as const;

export type Roles = ReadonlySet<Role>;

export const ALL_ROLES: Roles = new Set(ROLES);

/** Reads `api,worker`; null for a list that names none, or something else. */
export function parseRoles(text: string): Roles | null {
  const names = text.split(",").map((name) => name.trim());
  const roles = names.map((name) => ROLES.find((role) => role === name));
  return roles.every((role) => role !== undefined) ? new Set(roles) : null;
}
