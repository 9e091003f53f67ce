// The TypeScript client against a running Kontor: `node --test`, with KONTOR_URL, KONTOR_KEY and RESELLER set.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import {
  Kontor,
  LeaseLost,
  NotVerified,
  Permanent,
  Problem,
  Release,
  RetryIn,
  Seen,
  Snooze,
  Unreachable,
  Webhooks,
  Worker,
} from "../../../clients/typescript/lib/index.js";

const options = { url: process.env.KONTOR_URL, key: process.env.KONTOR_KEY };
const kontor = new Kontor(options);
const TYPE = { handler: "pull", lane: "none", retry: { max_attempts: 3, base: "100ms", cap: "1s" } };

async function until(condition, what, seen = () => undefined) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what}: not in time; ${JSON.stringify(seen())}`);
    await pause(20);
  }
}

async function declare(name) {
  await kontor.taskTypes.putTaskType(name, TYPE);
  return name;
}

const enqueue = async (task, args = {}) => (await kontor.jobs.enqueueJob({ task, args })).id;

function ended(id, ...states) {
  let job;
  const hasEnded = async () => {
    job = await kontor.jobs.getJob(id);
    return (states.length ? states : ["succeeded", "dead", "cancelled"]).includes(job.state) && job;
  };
  return until(hasEnded, `the end of ${id}`, () => job);
}

async function working(handlers, more, body) {
  const worker = new Worker(kontor, handlers, { wait: 0.5, beat: 0.2, grace: 5, log: () => undefined, ...more });
  const running = worker.run();
  try {
    await body(worker);
  } finally {
    worker.stop();
    await running;
  }
}

function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

test("an order is placed and all pages are read", async () => {
  const reseller = process.env.RESELLER;
  const placed = await kontor.orders.placeOrder(reseller, { product: "server", order_ref: "T-1" });
  assert.deepEqual([placed.net.amount, placed.state], ["27.00", "pending"]);
  await kontor.orders.placeOrder(reseller, { product: "server", order_ref: "T-2" });
  const references = [];
  for await (const order of kontor.pages(`/v1/resellers/${reseller}/orders`, { limit: 1 })) references.push(order.order_ref);
  assert.deepEqual(references, ["T-2", "T-1"]);
  const services = [];
  for await (const service of kontor.services.listServices({ reseller, product: "server" })) services.push(service.state);
  assert.deepEqual(services, ["pending", "pending"]);
});

test("a problem names code, field and trace", async () => {
  const wrong = kontor.jobs.enqueueJob({ task: "probe.echo", args: { seconds: "long" } });
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof Problem);
    assert.deepEqual([error.status, error.code, error.field], [422, "invalid_args", "args.seconds"]);
    return Boolean(error.traceId);
  });
});

test("a POST is made once when its answers are lost", async () => {
  const task = await declare("lost.typed");
  const keys = [];
  const faults = ["lose", 503, 429, "lose"];
  const flaky = async (url, init) => {
    keys.push(init.headers["Idempotency-Key"]);
    const fault = faults.shift();
    if (typeof fault === "number") return new Response("", { status: fault, headers: { "Retry-After": "0" } });
    const answer = await fetch(url, init);
    if (fault === "lose") throw new TypeError("fetch failed");
    return answer;
  };
  const client = new Kontor({ ...options, fetch: flaky, retry: { seconds: 5, base: 0.01 } });
  const job = await client.jobs.enqueueJob({ task, args: {} });
  assert.deepEqual([keys.length, new Set(keys).size], [5, 1]);
  const listed = [];
  for await (const each of kontor.jobs.listJobs({ task })) listed.push(each.id);
  assert.deepEqual(listed, [job.id]);
});

test("nobody answers when retries are used up", async () => {
  const client = new Kontor({ url: "http://127.0.0.1:9", key: "key", retry: { seconds: 0.05, base: 0.01 } });
  await assert.rejects(client.queues.listQueues(), Unreachable);
});

test("the handler decides how its job ends", async () => {
  const task = await declare("ends.typed");
  const handle = async (job) => {
    switch (job.args.do) {
      case "return":
        return { host: "a.example", attempt: job.attempt };
      case "forbid":
        throw new Permanent("no such plan");
      case "later":
        throw new Snooze(new Date(Date.now() + 3_600_000));
      case "large":
        return "x".repeat(70_000);
      case "no-json":
        return 1n;
    }
    if (job.attempt > 1) return job.attempt;
    throw job.args.do === "again" ? new RetryIn(0) : new RangeError("broken");
  };
  await working({ [task]: handle }, {}, async () => {
    const ids = {};
    for (const name of ["return", "forbid", "again", "break", "later", "large", "no-json"]) {
      ids[name] = await enqueue(task, { do: name });
    }
    assert.deepEqual((await ended(ids.return)).result, { host: "a.example", attempt: 1 });
    assert.deepEqual([(await ended(ids.forbid)).state, (await ended(ids.large)).state], ["dead", "dead"]);
    assert.equal((await ended(ids["no-json"])).state, "dead");
    assert.equal((await ended(ids.again)).result, 2);
    const broken = await ended(ids.break);
    assert.deepEqual([broken.result, broken.attempts[0].error.message], [2, "RangeError: broken"]);
    assert.equal((await ended(ids.later, "scheduled")).attempt, 0);
  });
});

test("heartbeats bring a cancellation and a lost lease", async () => {
  const task = await declare("beats.typed");
  const jobs = [];
  const handle = (job) => {
    jobs.push(job);
    return new Promise((_, reject) => job.signal.addEventListener("abort", () => reject(job.signal.reason)));
  };
  await working({ [task]: handle }, {}, async () => {
    const cancelled = await enqueue(task);
    await until(() => jobs[0], "the first attempt");
    await kontor.jobs.cancelJob(cancelled);
    assert.equal((await ended(cancelled)).state, "cancelled");
    assert.ok(jobs[0].cancelled);

    const lost = await enqueue(task);
    const [, held] = await until(() => jobs.length > 1 && jobs, "the second attempt");
    await kontor.leases.snooze(held.lease, { until: new Date(Date.now() + 3_600_000).toISOString() });
    await until(() => held.lost, "the loss");
    await assert.rejects(kontor.leases.complete(held.lease, { result: 1 }), LeaseLost);
    assert.equal((await kontor.jobs.getJob(lost)).state, "scheduled");
  });
});

test("a heartbeat that crosses the report of the worker is silent", async () => {
  const [beating, reported, again] = [gate(), gate(), gate()];
  const job = { id: "j", task: "t", attempt: 1, args: {}, account: null, reseller: null, external_id: null };
  const json = (status, document) =>
    new Response(JSON.stringify(document), { status, headers: { "Content-Type": "application/problem+json" } });
  const lost = { status: 409, code: "lease_lost", title: "lease_lost", detail: "The lease has ended." };
  const [jobs, lines] = [[], []];
  let beats = 0;
  const crossing = async (url) => {
    if (String(url).endsWith("/heartbeat")) {
      beats += 1;
      (beats > 1 ? again : beating).open();
      await reported.opened;
      return json(409, lost);
    }
    if (String(url).endsWith("/complete")) {
      reported.open();
      await again.opened;
      worker.stop();
      return json(200, { job: "j", ended: "complete" });
    }
    await (jobs.length ? pause(5) : undefined);
    return json(200, { items: jobs.length ? [] : [{ lease: "l", job }] });
  };
  const handle = async (held) => {
    jobs.push(held);
    await beating.opened;
    return 7;
  };
  const client = new Kontor({ url: "http://kontor.example", key: "key", fetch: crossing });
  const worker = new Worker(client, { t: handle }, { wait: 0, beat: 0.01, concurrency: 1, log: (line) => lines.push(line) });
  await worker.run();
  assert.ok(beats >= 2);
  assert.deepEqual([jobs.map((each) => each.lost), lines], [[false], []]);
});

test("a stopped worker finishes what it can and gives the rest back", async () => {
  const task = await declare("stops.typed");
  const { open, opened } = gate();
  let begun = 0;
  const handle = async (job) => {
    begun += 1;
    await (job.args.hangs ? new Promise(() => undefined) : opened);
    return "finished";
  };
  let ids;
  await working({ [task]: handle }, { grace: 0.5 }, async (worker) => {
    ids = [await enqueue(task, { hangs: false }), await enqueue(task, { hangs: true })];
    await until(() => begun === 2, "both attempts");
    worker.stop();
    open();
  });
  assert.equal((await ended(ids[0])).result, "finished");
  const back = await ended(ids[1], "queued");
  assert.deepEqual([back.attempt, back.attempts[0].outcome], [0, "released"]);
});

test("a refusal ends the worker when its key may not work", async () => {
  const task = await declare("other.typed");
  const { secret } = await kontor.keys.createKey({ name: "reader", scopes: ["read"] });
  const worker = new Worker(new Kontor({ ...options, key: secret }), { [task]: () => null });
  await assert.rejects(worker.run(), (error) => error instanceof Problem && error.status === 403);
});

test("a message is verified by any of its secrets, and refused when it was changed or is too old", async () => {
  const [secret, other] = [randomBytes(32), randomBytes(32)].map((raw) => `whsec_${raw.toString("base64")}`);
  const now = 1_800_000_000;
  const body = JSON.stringify({ type: "service.active", timestamp: "2027-01-15T08:00:00Z", data: { host: "Zürich" } });
  const sign = (name, text = body) =>
    `v1,${createHmac("sha256", Buffer.from(name.slice(6), "base64")).update(`evt_1.${now}.${text}`).digest("base64")}`;
  const headers = (...signatures) => ({
    "webhook-id": "evt_1",
    "Webhook-Timestamp": String(now),
    "webhook-signature": signatures.join(" "),
  });
  const receiver = new Webhooks([other, secret], { clock: () => now + 299 });
  const message = await receiver.verify(headers("v1,bm9uZQ==", "v1a,x", sign(secret)), Buffer.from(body));
  assert.deepEqual([message.id, message.type, message.data], ["evt_1", "service.active", { host: "Zürich" }]);
  assert.equal((await receiver.verify(new Headers(headers(sign(other))), body)).id, "evt_1");
  const tooOld = new Webhooks(secret, { clock: () => now + 301 });
  await assert.rejects(tooOld.verify(headers(sign(secret)), body), NotVerified);
  const strict = new Webhooks(secret, { clock: () => now });
  for (const [wrong, text] of [
    [headers(sign(other)), body],
    [headers(sign(secret)), body.replace("active", "failed")],
    [headers("v1,???"), body],
    [{ "webhook-id": "evt_1", "webhook-timestamp": String(now) }, body],
  ]) {
    await assert.rejects(strict.verify(wrong, text), NotVerified);
  }
  const seen = new Seen(2);
  assert.deepEqual(["a", "b", "a", "c", "a"].map((id) => seen.first(id)), [true, true, false, true, true]);
  assert.ok(Release);
});
