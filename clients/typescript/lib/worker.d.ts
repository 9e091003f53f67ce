/** A worker that pulls jobs and sends heartbeats by itself. */
import type { Kontor } from "./client.js";
import type { LeaseOut } from "./types.js";
/** It will never succeed: do not try again. */
export declare class Permanent extends Error {
    name: string;
}
/** It failed; try again in so many seconds. */
export declare class RetryIn extends Error {
    name: string;
    readonly seconds: number;
    constructor(seconds: number, error?: string);
}
/** It is not due yet: run it again at an instant. Uses no attempt. */
export declare class Snooze extends Error {
    name: string;
    readonly until: Date;
    constructor(until: Date);
}
/** Give it back unharmed: another worker runs it. Uses no attempt. */
export declare class Release extends Error {
    name: string;
}
/** A job that this worker holds. `id` is the same on every attempt: use it as the key of what you do. */
export declare class Job<Args = Record<string, unknown>> {
    #private;
    readonly lease: string;
    readonly id: string;
    readonly task: string;
    readonly attempt: number;
    readonly args: Args;
    readonly account: string | null;
    readonly reseller: string | null;
    readonly externalId: string | null;
    /** Somebody cancelled the job: stop and throw Release. */
    cancelled: boolean;
    /** The lease has ended: the job is another worker's, and what this handler returns does not count. */
    lost: boolean;
    constructor(item: LeaseOut);
    /** Aborted when the job is cancelled or lost: pass it to what the handler calls. */
    get signal(): AbortSignal;
    /** Remember that the job is cancelled or lost. */
    end(why: "cancelled" | "lost"): void;
}
export type Handler = (job: Job) => unknown;
export interface WorkerOptions {
    /** Letters, digits and `_.@/-`; each process has another one. */
    name?: string;
    /** How many jobs run at once: 1 to 50. */
    concurrency?: number;
    /** Seconds that a call waits for jobs. */
    wait?: number;
    /** Seconds between heartbeats; a lease lasts 60. */
    beat?: number;
    /** Seconds that `stop` waits for running jobs before it gives them back. */
    grace?: number;
    log?: (line: string) => void;
}
/** Runs the jobs of some tasks: `await new Worker(kontor, { "vps.create": create }).run()`. */
export declare class Worker {
    #private;
    readonly name: string;
    constructor(kontor: Kontor, handlers: Readonly<Record<string, Handler>>, options?: WorkerOptions);
    /** Lease no more jobs; `run` returns when those held are finished or given back. */
    stop(): void;
    /** Work until `stop`. Throws Problem when Kontor refuses the key or the tasks. */
    run(): Promise<void>;
}
