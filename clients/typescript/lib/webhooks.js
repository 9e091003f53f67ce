/** Verification of Kontor's webhooks and pushes (Standard Webhooks 1.0). */
import { KontorError } from "./errors.js";
/** The message is not Kontor's, or too old: answer 400 and do nothing. */
export class NotVerified extends KontorError {
    name = "NotVerified";
}
const PREFIX = "whsec_";
const HMAC = { name: "HMAC", hash: "SHA-256" };
/** Verifies messages by the secrets of their endpoint: several while one is replaced. */
export class Webhooks {
    #keys;
    #tolerance;
    #clock;
    constructor(secrets, options = {}) {
        const listed = typeof secrets === "string" ? [secrets] : secrets;
        if (listed.length === 0) {
            throw new TypeError("name at least one secret");
        }
        const raw = listed.map(bytesOf);
        this.#keys = Promise.all(raw.map((bytes) => crypto.subtle.importKey("raw", bytes, HMAC, false, ["verify"])));
        this.#tolerance = options.tolerance ?? 300;
        this.#clock = options.clock ?? (() => Date.now() / 1000);
    }
    /** Return the message of a request with these headers and this body as received. Throws NotVerified. */
    async verify(headers, body) {
        const id = headerOf(headers, "webhook-id");
        const sentAt = headerOf(headers, "webhook-timestamp");
        const signatures = headerOf(headers, "webhook-signature").split(" ");
        this.#requireFresh(sentAt);
        const text = typeof body === "string" ? body : new TextDecoder().decode(body);
        const content = new TextEncoder().encode(`${id}.${sentAt}.${text}`);
        for (const signature of signatures) {
            if (await this.#fits(signature, content)) {
                const { type, timestamp, data } = JSON.parse(text);
                return { id, type, timestamp, data };
            }
        }
        throw new NotVerified("No signature fits.");
    }
    async #fits(signature, content) {
        const [version, encoded] = signature.split(",", 2);
        if (version !== "v1" || encoded === undefined) {
            return false;
        }
        const expected = decoded(encoded);
        if (expected === undefined) {
            return false;
        }
        // The comparison is Web Crypto's: it takes the same time for every signature.
        const checks = (await this.#keys).map((key) => crypto.subtle.verify("HMAC", key, expected, content));
        return (await Promise.all(checks)).includes(true);
    }
    #requireFresh(sentAt) {
        const age = this.#clock() - Number(sentAt);
        if (!/^\d+$/.test(sentAt) || Math.abs(age) > this.#tolerance) {
            throw new NotVerified(`The message is of ${sentAt}, too old or too new.`);
        }
    }
}
/** Remembers the ids of the last messages of this process, for receivers that keep no ids themselves. */
export class Seen {
    #ids = new Set();
    #size;
    constructor(size = 10_000) {
        this.#size = size;
    }
    /** Whether this id comes for the first time; remembers it. */
    first(id) {
        if (this.#ids.has(id)) {
            return false;
        }
        this.#ids.add(id);
        if (this.#ids.size > this.#size) {
            this.#ids.delete(this.#ids.values().next().value);
        }
        return true;
    }
}
function headerOf(headers, name) {
    if (headers instanceof Headers) {
        const value = headers.get(name);
        if (value !== null) {
            return value;
        }
    }
    else {
        for (const [key, value] of Object.entries(headers)) {
            if (key.toLowerCase() === name && typeof value === "string") {
                return value;
            }
        }
    }
    throw new NotVerified(`The header ${name} is missing.`);
}
function bytesOf(secret) {
    const bytes = decoded(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
    if (bytes === undefined) {
        throw new TypeError(`A secret is ${PREFIX} and base64.`);
    }
    return bytes;
}
function decoded(base64) {
    try {
        return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    }
    catch {
        return undefined;
    }
}
