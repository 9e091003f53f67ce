/** Kontor's API. */
import { Resources } from "./resources.js";
import { Transport } from "./transport.js";
/** The API with a key: typed calls by resource, and `request` for anything else. */
export class Kontor extends Resources {
    transport;
    constructor(options = {}) {
        const transport = new Transport(options);
        super(transport);
        this.transport = transport;
    }
    /** Make any call and return its JSON document. Throws Problem, Unreachable. */
    request(method, path, options = {}) {
        return this.transport.request(method, path, options);
    }
    /** Yield the items of any list, page after page. */
    pages(path, query) {
        return this.transport.pages(path, query);
    }
}
