/** Client of Kontor's HTTP API: typed calls, a pull worker, verification of webhooks. */
export { Kontor } from "./client.js";
export { KontorError, LeaseLost, Problem, Unreachable } from "./errors.js";
export { NotVerified, Seen, Webhooks } from "./webhooks.js";
export { Job, Permanent, Release, RetryIn, Snooze, Worker } from "./worker.js";
