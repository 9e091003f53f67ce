/** What a call may throw. */

/** What is wrong with one field; `loc` is its path, such as `args.plan`. */
export interface FieldProblem {
  loc: string;
  msg: string;
}

/** Everything that a problem says, such as `state` or `missing`. */
export type ProblemMembers = Readonly<Record<string, unknown>>;

/** The root of all errors of this library. */
export class KontorError extends Error {
  override name = "KontorError";
}

/** Kontor did not answer, also after repeated tries. */
export class Unreachable extends KontorError {
  override name = "Unreachable";
}

/** An answer that is no success (RFC 9457). `code` is stable, `detail` is for people. */
export class Problem extends KontorError {
  override name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly traceId: string | undefined;
  readonly errors: readonly FieldProblem[];
  readonly members: ProblemMembers;

  constructor(status: number, members: ProblemMembers) {
    const code = typeof members["code"] === "string" ? members["code"] : `http_${status}`;
    const detail = String(members["detail"] ?? members["title"] ?? "");
    const errors = Array.isArray(members["errors"]) ? (members["errors"] as FieldProblem[]) : [];
    super(`${status} ${code}: ${detail}${errors.map((each) => `; ${each.loc}: ${each.msg}`).join("")}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.members = members;
    this.traceId = typeof members["trace_id"] === "string" ? members["trace_id"] : undefined;
  }

  /** The first field that is wrong. */
  get field(): string | undefined {
    return this.errors[0]?.loc;
  }
}

/** The lease has ended, or the job is another worker's by now: do not go on with it. */
export class LeaseLost extends Problem {
  override name = "LeaseLost";
}

/** Return the error for an answer. */
export function problemOf(status: number, members: ProblemMembers): Problem {
  return members["code"] === "lease_lost" ? new LeaseLost(status, members) : new Problem(status, members);
}
