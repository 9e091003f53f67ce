/** What a call may throw. */
/** What is wrong with one field; `loc` is its path, such as `args.plan`. */
export interface FieldProblem {
    loc: string;
    msg: string;
}
/** Everything that a problem says, such as `state` or `missing`. */
export type ProblemMembers = Readonly<Record<string, unknown>>;
/** The root of all errors of this library. */
export declare class KontorError extends Error {
    name: string;
}
/** Kontor did not answer, also after repeated tries. */
export declare class Unreachable extends KontorError {
    name: string;
}
/** An answer that is no success (RFC 9457). `code` is stable, `detail` is for people. */
export declare class Problem extends KontorError {
    name: string;
    readonly status: number;
    readonly code: string;
    readonly detail: string;
    readonly traceId: string | undefined;
    readonly errors: readonly FieldProblem[];
    readonly members: ProblemMembers;
    constructor(status: number, members: ProblemMembers);
    /** The first field that is wrong. */
    get field(): string | undefined;
}
/** The lease has ended, or the job is another worker's by now: do not go on with it. */
export declare class LeaseLost extends Problem {
    name: string;
}
/** Return the error for an answer. */
export declare function problemOf(status: number, members: ProblemMembers): Problem;
