/** Calls over HTTP: key, idempotency, retries, problems, pages. */
/** For how long calls are made again: `seconds` in all, with pauses from `base` doubled up to `cap` seconds. */
export interface Retry {
    readonly seconds: number;
    readonly base: number;
    readonly cap: number;
}
export declare const RETRY: Retry;
export declare const NO_RETRY: Retry;
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
/** Wait so many seconds. */
export declare function sleep(seconds: number): Promise<void>;
/** Return the seconds until the next try; `tried` counts from 1. */
export declare function pauseOf(retry: Retry, tried: number, retryAfter?: number): number;
export declare class Transport {
    #private;
    constructor(options: TransportOptions);
    /** Make a call and return its JSON document, undefined without one. Throws Problem, Unreachable. */
    request<T>(method: string, path: string, options?: CallOptions): Promise<T>;
    /** Return the bytes of a file. Throws Problem, Unreachable. */
    download(path: string, query?: Query): Promise<Uint8Array>;
    /** Yield the items of a list, page after page. */
    pages<T>(path: string, query?: Query): AsyncGenerator<T, void, undefined>;
}
export {};
