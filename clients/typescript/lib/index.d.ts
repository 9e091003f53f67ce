/** Client of Kontor's HTTP API: typed calls, a pull worker, verification of webhooks. */
export { Kontor } from "./client.js";
export { KontorError, LeaseLost, Problem, Unreachable, type FieldProblem } from "./errors.js";
export type { CallOptions, Query, Retry, TransportOptions } from "./transport.js";
export type * as types from "./types.js";
export { NotVerified, Seen, Webhooks, type Message, type WebhooksOptions } from "./webhooks.js";
export { Job, Permanent, Release, RetryIn, Snooze, Worker, type Handler, type WorkerOptions } from "./worker.js";
