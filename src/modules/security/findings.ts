/** A setting, or an observation at run time, that makes an installation less secure. */
export interface SecurityFinding {
  /** Stays the same over versions, for alerts. */
  key: string;
  severity: Severity;
  message: string;
  remedy: string;
}

export type Severity = "HIGH" | "MEDIUM" | "LOW";

const RANK: Record<Severity, number> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** Collects the findings of this process, from its configuration and while it runs. */
export class SecurityFindings {
  readonly #byKey = new Map<string, SecurityFinding>();

  constructor(found: readonly SecurityFinding[] = []) {
    for (const finding of found) this.add(finding);
  }

  /** Adds a finding; returns false for a known one. */
  add(finding: SecurityFinding): boolean {
    if (this.#byKey.has(finding.key)) return false;
    this.#byKey.set(finding.key, finding);
    return true;
  }

  /** Lists the findings, the most severe first. */
  list(): SecurityFinding[] {
    return [...this.#byKey.values()].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  }
}
