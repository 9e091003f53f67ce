/** Calls over HTTP: key, idempotency, retries, problems, pages. */

import { Problem, Unreachable, problemOf, type ProblemMembers } from "./errors.js";

/** For how long calls are made again: `seconds` in all, with pauses from `base` doubled up to `cap` seconds. */
export interface Retry {
  readonly seconds: number;
  readonly base: number;
  readonly cap: number;
}

export const RETRY: Retry = { seconds: 30, base: 0.1, cap: 5 };
export const NO_RETRY: Retry = { ...RETRY, seconds: 0 };

export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[] | null | undefined>>;
type QueryValue = string | number | boolean;

/** What a call may say in addition to its method and path. */
export interface CallOptions {
  query?: Query | undefined;
  body?: unknown;
  /** Made by itself for each POST, so that it may be repeated; `null` leaves it out. */
  idempotencyKey?: string | null | undefined;
  /** The call may be repeated without an Idempotency-Key. */
  repeatable?: boolean;
  retry?: Retry;
}

/** How to reach Kontor; `url` and `key` default to KONTOR_URL and KONTOR_KEY of the environment. */
export interface TransportOptions {
  url?: string;
  key?: string;
  retry?: Partial<Retry>;
  /** Seconds; the longest call that waits takes 30. */
  timeout?: number;
  fetch?: typeof fetch;
}

const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const UNDONE = new Set([429, 503]);
const CLASHES = new Set(["busy", "idempotency_in_progress"]);
const PAGE = 500;

/** Wait so many seconds. */
export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Return the seconds until the next try; `tried` counts from 1. */
export function pauseOf(retry: Retry, tried: number, retryAfter = 0): number {
  const ceiling = Math.min(retry.cap, retry.base * 2 ** (tried - 1));
  return Math.max(ceiling * (0.5 + Math.random() / 2), retryAfter);
}

/** An error that may be over at the next try. */
class Passing {
  readonly error: Problem | Unreachable;
  readonly retryAfter: number;

  constructor(error: Problem | Unreachable, retryAfter = 0) {
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

export class Transport {
  readonly #url: string;
  readonly #key: string;
  readonly #retry: Retry;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;

  constructor(options: TransportOptions) {
    this.#url = (options.url ?? fromEnvironment("KONTOR_URL")).replace(/\/+$/, "");
    this.#key = options.key ?? fromEnvironment("KONTOR_KEY");
    this.#retry = { ...RETRY, ...options.retry };
    this.#timeout = options.timeout ?? 40;
    this.#fetch = options.fetch ?? fetch;
  }

  /** Make a call and return its JSON document, undefined without one. Throws Problem, Unreachable. */
  async request<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const answer = await this.#send(method, path, options);
    const text = await answer.text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Return the bytes of a file. Throws Problem, Unreachable. */
  async download(path: string, query?: Query): Promise<Uint8Array> {
    const answer = await this.#send("GET", path, { query });
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** Yield the items of a list, page after page. */
  async *pages<T>(path: string, query?: Query): AsyncGenerator<T, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: { items: T[]; next: string | null } = await this.request("GET", path, {
        query: { limit: PAGE, ...query, cursor },
      });
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  async #send(method: string, path: string, options: CallOptions): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#key}` };
    if (method === "POST" && options.idempotencyKey !== null) {
      headers["Idempotency-Key"] = options.idempotencyKey ?? crypto.randomUUID();
    }
    const init: RequestInit = { method, headers, redirect: "error" };
    if (options.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    const url = this.#url + path + searchOf(options.query);
    const repeatable = options.repeatable === true || REPEATABLE.has(method) || "Idempotency-Key" in headers;
    const retry = options.retry ?? this.#retry;
    const deadline = performance.now() + retry.seconds * 1000;
    for (let tried = 1; ; tried += 1) {
      const answer = await this.#once(url, init, repeatable);
      if (!(answer instanceof Passing)) {
        return answer;
      }
      const pause = pauseOf(retry, tried, answer.retryAfter);
      if (performance.now() + pause * 1000 > deadline) {
        throw answer.error;
      }
      await sleep(pause);
    }
  }

  /** Make one try; return its answer, or what may be over at the next try. */
  async #once(url: string, init: RequestInit, repeatable: boolean): Promise<Response | Passing> {
    let answer: Response;
    try {
      answer = await this.#fetch(url, { ...init, signal: AbortSignal.timeout(this.#timeout * 1000) });
    } catch (cause) {
      const error = new Unreachable(`${url}: ${reasonOf(cause)}`, { cause });
      if (repeatable || reasonOf(cause).includes("ECONNREFUSED")) {
        return new Passing(error);
      }
      throw error;
    }
    if (answer.ok) {
      return answer;
    }
    const problem = problemOf(answer.status, await membersOf(answer));
    if (UNDONE.has(problem.status) || (problem.status === 409 && CLASHES.has(problem.code))) {
      return new Passing(problem, Number(answer.headers.get("Retry-After")) || 0);
    }
    throw problem;
  }
}

function fromEnvironment(name: string): string {
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  const value = process?.env[name];
  if (value === undefined) {
    throw new TypeError(`pass url and key, or set ${name}`);
  }
  return value;
}

function searchOf(query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined) {
        search.append(name, String(each));
      }
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** Return why a call got no answer: `fetch` hides it in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}

async function membersOf(answer: Response): Promise<ProblemMembers> {
  const text = await answer.text();
  if (answer.headers.get("Content-Type")?.includes("application/problem+json")) {
    return JSON.parse(text) as ProblemMembers;
  }
  return { detail: text.slice(0, 200) };
}
