/** Kontor's API. */
import { Resources } from "./resources.js";
import { Transport, type CallOptions, type Query, type TransportOptions } from "./transport.js";
/** The API with a key: typed calls by resource, and `request` for anything else. */
export declare class Kontor extends Resources {
    readonly transport: Transport;
    constructor(options?: TransportOptions);
    /** Make any call and return its JSON document. Throws Problem, Unreachable. */
    request<T = unknown>(method: string, path: string, options?: CallOptions): Promise<T>;
    /** Yield the items of any list, page after page. */
    pages<T = unknown>(path: string, query?: Query): AsyncGenerator<T, void, undefined>;
}
