/** Verification of Kontor's webhooks and pushes (Standard Webhooks 1.0). */
import { KontorError } from "./errors.js";
/** The message is not Kontor's, or too old: answer 400 and do nothing. */
export declare class NotVerified extends KontorError {
    name: string;
}
/** A verified message. `id` is the same on every try of the same thing: do nothing when it has been done (`Seen`). */
export interface Message<Data = Record<string, unknown>> {
    id: string;
    type: string;
    timestamp: string;
    data: Data;
}
type HeadersOf = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
export interface WebhooksOptions {
    /** Seconds that a message may be old, or that clocks may differ. */
    tolerance?: number;
    /** Seconds since 1970. */
    clock?: () => number;
}
/** Verifies messages by the secrets of their endpoint: several while one is replaced. */
export declare class Webhooks {
    #private;
    constructor(secrets: string | readonly string[], options?: WebhooksOptions);
    /** Return the message of a request with these headers and this body as received. Throws NotVerified. */
    verify(headers: HeadersOf, body: string | Uint8Array): Promise<Message>;
}
/** Remembers the ids of the last messages of this process, for receivers that keep no ids themselves. */
export declare class Seen {
    #private;
    constructor(size?: number);
    /** Whether this id comes for the first time; remembers it. */
    first(id: string): boolean;
}
export {};
