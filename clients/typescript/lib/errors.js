/** What a call may throw. */
/** The root of all errors of this library. */
export class KontorError extends Error {
    name = "KontorError";
}
/** Kontor did not answer, also after repeated tries. */
export class Unreachable extends KontorError {
    name = "Unreachable";
}
/** An answer that is no success (RFC 9457). `code` is stable, `detail` is for people. */
export class Problem extends KontorError {
    name = "Problem";
    status;
    code;
    detail;
    traceId;
    errors;
    members;
    constructor(status, members) {
        const code = typeof members["code"] === "string" ? members["code"] : `http_${status}`;
        const detail = String(members["detail"] ?? members["title"] ?? "");
        const errors = Array.isArray(members["errors"]) ? members["errors"] : [];
        super(`${status} ${code}: ${detail}${errors.map((each) => `; ${each.loc}: ${each.msg}`).join("")}`);
        this.status = status;
        this.code = code;
        this.detail = detail;
        this.errors = errors;
        this.members = members;
        this.traceId = typeof members["trace_id"] === "string" ? members["trace_id"] : undefined;
    }
    /** The first field that is wrong. */
    get field() {
        return this.errors[0]?.loc;
    }
}
/** The lease has ended, or the job is another worker's by now: do not go on with it. */
export class LeaseLost extends Problem {
    name = "LeaseLost";
}
/** Return the error for an answer. */
export function problemOf(status, members) {
    return members["code"] === "lease_lost" ? new LeaseLost(status, members) : new Problem(status, members);
}
