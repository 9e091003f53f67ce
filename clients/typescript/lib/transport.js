/** Calls over HTTP: key, idempotency, retries, problems, pages. */
import { Problem, Unreachable, problemOf } from "./errors.js";
export const RETRY = { seconds: 30, base: 0.1, cap: 5 };
export const NO_RETRY = { ...RETRY, seconds: 0 };
const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const UNDONE = new Set([429, 503]);
const CLASHES = new Set(["busy", "idempotency_in_progress"]);
const PAGE = 500;
/** Wait so many seconds. */
export function sleep(seconds) {
    return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
/** Return the seconds until the next try; `tried` counts from 1. */
export function pauseOf(retry, tried, retryAfter = 0) {
    const ceiling = Math.min(retry.cap, retry.base * 2 ** (tried - 1));
    return Math.max(ceiling * (0.5 + Math.random() / 2), retryAfter);
}
/** An error that may be over at the next try. */
class Passing {
    error;
    retryAfter;
    constructor(error, retryAfter = 0) {
        this.error = error;
        this.retryAfter = retryAfter;
    }
}
export class Transport {
    #url;
    #key;
    #retry;
    #timeout;
    #fetch;
    constructor(options) {
        this.#url = (options.url ?? fromEnvironment("KONTOR_URL")).replace(/\/+$/, "");
        this.#key = options.key ?? fromEnvironment("KONTOR_KEY");
        this.#retry = { ...RETRY, ...options.retry };
        this.#timeout = options.timeout ?? 40;
        this.#fetch = options.fetch ?? fetch;
    }
    /** Make a call and return its JSON document, undefined without one. Throws Problem, Unreachable. */
    async request(method, path, options = {}) {
        const answer = await this.#send(method, path, options);
        const text = await answer.text();
        return (text === "" ? undefined : JSON.parse(text));
    }
    /** Return the bytes of a file. Throws Problem, Unreachable. */
    async download(path, query) {
        const answer = await this.#send("GET", path, { query });
        return new Uint8Array(await answer.arrayBuffer());
    }
    /** Yield the items of a list, page after page. */
    async *pages(path, query) {
        let cursor = null;
        do {
            const page = await this.request("GET", path, {
                query: { limit: PAGE, ...query, cursor },
            });
            yield* page.items;
            cursor = page.next;
        } while (cursor !== null);
    }
    async #send(method, path, options) {
        const headers = { Authorization: `Bearer ${this.#key}` };
        if (method === "POST" && options.idempotencyKey !== null) {
            headers["Idempotency-Key"] = options.idempotencyKey ?? crypto.randomUUID();
        }
        const init = { method, headers, redirect: "error" };
        if (options.body !== undefined) {
            headers["Content-Type"] = "application/json";
            init.body = JSON.stringify(options.body);
        }
        const url = this.#url + path + searchOf(options.query);
        const repeatable = options.repeatable === true || REPEATABLE.has(method) || "Idempotency-Key" in headers;
        const retry = options.retry ?? this.#retry;
        const deadline = performance.now() + retry.seconds * 1000;
        for (let tried = 1;; tried += 1) {
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
    async #once(url, init, repeatable) {
        let answer;
        try {
            answer = await this.#fetch(url, { ...init, signal: AbortSignal.timeout(this.#timeout * 1000) });
        }
        catch (cause) {
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
function fromEnvironment(name) {
    const { process } = globalThis;
    const value = process?.env[name];
    if (value === undefined) {
        throw new TypeError(`pass url and key, or set ${name}`);
    }
    return value;
}
function searchOf(query = {}) {
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
function reasonOf(error) {
    const { cause, message } = error;
    return cause?.code ?? cause?.message ?? message ?? String(error);
}
async function membersOf(answer) {
    const text = await answer.text();
    if (answer.headers.get("Content-Type")?.includes("application/problem+json")) {
        return JSON.parse(text);
    }
    return { detail: text.slice(0, 200) };
}
