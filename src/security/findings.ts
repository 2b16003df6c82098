/** A setting, or something seen at run time, that makes an installation less safe than it could be. */
export interface SecurityFinding {
  /** Stays the same over versions, for alerts. */
  key: string;
  severity: Severity;
  message: string;
  remedy: string;
}

export type Severity = "HIGH" | "MEDIUM" | "LOW";

const RANK: Record<Severity, number> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** The findings of this process: those of its configuration, and those it comes by while it runs. */
export class SecurityFindings {
  readonly #byKey = new Map<string, SecurityFinding>();

  constructor(found: readonly SecurityFinding[] = []) {
    for (const finding of found) this.add(finding);
  }

  /** Returns false for what is known already. */
  add(finding: SecurityFinding): boolean {
    if (this.#byKey.has(finding.key)) return false;
    this.#byKey.set(finding.key, finding);
    return true;
  }

  /** The gravest first. */
  list(): SecurityFinding[] {
    return [...this.#byKey.values()].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  }
}
