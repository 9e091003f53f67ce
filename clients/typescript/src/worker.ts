/** A worker that pulls jobs and sends heartbeats by itself. */

import type { Kontor } from "./client.js";
import { KontorError, LeaseLost, Problem, Unreachable } from "./errors.js";
import { NO_RETRY, RETRY, pauseOf, sleep, type Retry } from "./transport.js";
import type { LeaseOut, LeasesOut } from "./types.js";

/** It will never succeed: do not try again. */
export class Permanent extends Error {
  override name = "Permanent";
}

/** It failed; try again in so many seconds. */
export class RetryIn extends Error {
  override name = "RetryIn";
  readonly seconds: number;

  constructor(seconds: number, error = "asked to be tried again") {
    super(error);
    this.seconds = seconds;
  }
}

/** It is not due yet: run it again at an instant. Uses no attempt. */
export class Snooze extends Error {
  override name = "Snooze";
  readonly until: Date;

  constructor(until: Date) {
    super(until.toISOString());
    this.until = until;
  }
}

/** Give it back unharmed: another worker runs it. Uses no attempt. */
export class Release extends Error {
  override name = "Release";
}

/** A job that this worker holds. `id` is the same on every attempt: use it as the key of what you do. */
export class Job<Args = Record<string, unknown>> {
  readonly lease: string;
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly args: Args;
  readonly account: string | null;
  readonly reseller: string | null;
  readonly externalId: string | null;
  /** Somebody cancelled the job: stop and throw Release. */
  cancelled = false;
  /** The lease has ended: the job is another worker's, and what this handler returns does not count. */
  lost = false;
  readonly #over = new AbortController();

  constructor(item: LeaseOut) {
    this.lease = item.lease;
    this.id = item.job.id;
    this.task = item.job.task;
    this.attempt = item.job.attempt;
    this.args = item.job.args as Args;
    this.account = item.job.account;
    this.reseller = item.job.reseller;
    this.externalId = item.job.external_id;
  }

  /** Aborted when the job is cancelled or lost: pass it to what the handler calls. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Remember that the job is cancelled or lost. */
  end(why: "cancelled" | "lost"): void {
    this[why] = true;
    this.#over.abort(new Release(`the job is ${why}`));
  }
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

/** How long the end of a job is reported over an outage of Kontor; the heartbeats go on meanwhile. */
const LASTING: Retry = { ...RETRY, seconds: 600 };
const ERROR_LIMIT = 2_000;

type Ending = readonly [verb: string, body: Record<string, unknown>];

/** Runs the jobs of some tasks: `await new Worker(kontor, { "vps.create": create }).run()`. */
export class Worker {
  readonly name: string;
  readonly #kontor: Kontor;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #concurrency: number;
  readonly #wait: number;
  readonly #beat: number;
  readonly #grace: number;
  readonly #log: (line: string) => void;
  readonly #held = new Map<string, Job>();
  /** Leases whose end is being reported: a heartbeat that comes later finds none. */
  readonly #ending = new Set<string>();
  #stopping = false;
  #wake: () => void = () => undefined;

  constructor(kontor: Kontor, handlers: Readonly<Record<string, Handler>>, options: WorkerOptions = {}) {
    this.name = options.name ?? `node-${crypto.randomUUID()}`;
    this.#kontor = kontor;
    this.#handlers = new Map(Object.entries(handlers));
    this.#concurrency = options.concurrency ?? 10;
    this.#wait = options.wait ?? 10;
    this.#beat = options.beat ?? 15;
    this.#grace = options.grace ?? 25;
    this.#log = options.log ?? ((line) => console.warn(line));
    if (this.#concurrency < 1 || this.#concurrency > 50) {
      throw new RangeError("a worker holds 1 to 50 jobs");
    }
  }

  /** Lease no more jobs; `run` returns when those held are finished or given back. */
  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  /** Work until `stop`. Throws Problem when Kontor refuses the key or the tasks. */
  async run(): Promise<void> {
    let over = false;
    const beats = this.#sendHeartbeats(() => over);
    try {
      await this.#pull();
    } finally {
      this.#stopping = true;
      await this.#finish();
      over = true;
      await beats;
    }
  }

  async #pull(): Promise<void> {
    for (let failures = 0; !this.#stopping; ) {
      if (this.#held.size >= this.#concurrency) {
        await this.#changed();
        continue;
      }
      try {
        for (const item of await this.#lease()) {
          this.#start(new Job(item));
        }
        failures = 0;
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          throw error;
        }
        failures += 1;
        this.#log(`Kontor does not answer, trying again: ${error.message}`);
        await Promise.race([sleep(pauseOf(LASTING, failures)), this.#changed()]);
      }
    }
  }

  /** Wait until a job ends or the worker is stopped. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #lease(): Promise<LeaseOut[]> {
    const body = { tasks: [...this.#handlers.keys()], max: this.#concurrency, wait: this.#wait, worker: this.name };
    try {
      // No Idempotency-Key: the first answer would come again with its secrets masked.
      const options = { body, idempotencyKey: null, retry: NO_RETRY };
      return (await this.#kontor.request<LeasesOut>("POST", "/v1/leases", options)).items;
    } catch (error) {
      if (error instanceof Problem && (error.status >= 500 || [408, 429].includes(error.status) || error.code === "busy")) {
        throw new Unreachable(error.message, { cause: error });
      }
      throw error;
    }
  }

  #start(job: Job): void {
    this.#held.set(job.lease, job);
    void (this.#stopping ? this.#letGo(job) : this.#run(job));
  }

  async #run(job: Job): Promise<void> {
    const [verb, body] = await this.#outcome(job);
    if (!job.lost) {
      await this.#report(job, verb, body);
    }
    this.#forget(job);
    this.#wake();
  }

  /** Call the handler; return the call that reports its outcome. */
  async #outcome(job: Job): Promise<Ending> {
    try {
      const handler = this.#handlers.get(job.task) as Handler;
      return ["complete", { result: (await handler(job)) ?? null }];
    } catch (error) {
      const message = String(error instanceof Error ? error.message : error).slice(0, ERROR_LIMIT);
      if (error instanceof Permanent) {
        return ["fail", { error: message, permanent: true }];
      }
      if (error instanceof RetryIn) {
        return ["fail", { error: message, retry_in: error.seconds }];
      }
      if (error instanceof Snooze) {
        return ["snooze", { until: error.until.toISOString() }];
      }
      if (error instanceof Release) {
        return ["release", {}];
      }
      this.#log(`${job.task} ${job.id} failed: ${error instanceof Error ? (error.stack ?? message) : message}`);
      return ["fail", { error: `${error instanceof Error ? error.name : "Error"}: ${message}`.slice(0, ERROR_LIMIT) }];
    }
  }

  /** Report how a job ended, over an outage of Kontor too; a lost lease is noted and logged. */
  async #report(job: Job, verb: string, body: Record<string, unknown>): Promise<void> {
    try {
      await this.#end(job, verb, body, LASTING);
    } catch (error) {
      if (error instanceof LeaseLost) {
        job.end("lost");
        this.#log(`${job.task} ${job.id}: the lease was lost, the job is another worker's`);
      } else if (error instanceof TypeError || (error instanceof Problem && error.status === 422 && verb === "complete")) {
        const reason = error instanceof Problem ? error.detail : error.message;
        await this.#report(job, "fail", { error: `The result was refused: ${reason}`, permanent: true });
      } else {
        this.#log(`${job.task} ${job.id}: ${verb} could not be reported: ${String(error)}`);
      }
    }
  }

  #forget(job: Job): void {
    this.#held.delete(job.lease);
    this.#ending.delete(job.lease);
  }

  #end(job: Job, verb: string, body: Record<string, unknown>, retry: Retry): Promise<unknown> {
    this.#ending.add(job.lease);
    // Repeated, it is answered as the first time, so it needs no Idempotency-Key.
    const sent = Object.keys(body).length === 0 ? undefined : body;
    const options = { body: sent, idempotencyKey: null, repeatable: true, retry };
    return this.#kontor.request("POST", `/v1/leases/${job.lease}/${verb}`, options);
  }

  /** Give a job back at once; where that fails, its lease ends by itself. */
  async #letGo(job: Job): Promise<void> {
    job.end("lost");
    try {
      await this.#end(job, "release", {}, NO_RETRY);
    } catch (error) {
      this.#log(`${job.task} ${job.id} could not be given back: ${String(error)}`);
    }
    this.#forget(job);
  }

  /** Wait for running jobs, as long as the grace lasts; give the others back. */
  async #finish(): Promise<void> {
    const deadline = performance.now() + this.#grace * 1000;
    while (this.#held.size > 0 && performance.now() < deadline) {
      await Promise.race([this.#changed(), sleep(0.1)]); // a longer timer would keep the process alive
    }
    await Promise.all([...this.#held.values()].map((job) => this.#letGo(job)));
  }

  async #sendHeartbeats(over: () => boolean): Promise<void> {
    let next = performance.now() + this.#beat * 1000;
    while (!over()) {
      await sleep(Math.min(0.1, this.#beat));
      if (performance.now() >= next && !over()) {
        const answered = await Promise.all([...this.#held.values()].map((job) => this.#prolong(job)));
        next = performance.now() + Math.min(this.#beat, answered.includes(false) ? 1 : this.#beat) * 1000;
      }
    }
  }

  /** Prolong one lease; whether Kontor answered. */
  async #prolong(job: Job): Promise<boolean> {
    try {
      const options = { idempotencyKey: null, retry: NO_RETRY };
      const path = `/v1/leases/${job.lease}/heartbeat`;
      const beat = await this.#kontor.request<{ cancel_requested: boolean }>("POST", path, options);
      if (beat.cancel_requested && !job.cancelled) {
        job.end("cancelled");
      }
    } catch (error) {
      if (error instanceof LeaseLost) {
        if (!this.#ending.has(job.lease) && this.#held.has(job.lease)) {
          job.end("lost");
          this.#log(`${job.task} ${job.id}: the lease was lost`);
        }
      } else if (error instanceof KontorError) {
        this.#log(`${job.task} ${job.id}: no heartbeat: ${error.message}`);
        return false;
      } else {
        throw error;
      }
    }
    return true;
  }
}
