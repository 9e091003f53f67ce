#!/usr/bin/env python3
"""A processing module of BILLmanager: sells Kontor's products. Needs Python 3.9 or newer and nothing else.

    echo '{"item": "7", "product": "server", "period": 1, "params": {}}' | kontor.py --command open --item 7

KONTOR_URL, KONTOR_KEY (of the reseller, scopes read and enqueue) and KONTOR_RESELLER stand in the environment. The
item is the service's `external_id` and the order's `order_ref`: each command may be repeated, also when it was killed.
Exit code 0: done, the service as JSON on stdout. 1: not done, the reason on stderr; call again. 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

COMMANDS = ("features", "open", "suspend", "resume", "prolong", "setparam", "close")
WAIT = 110.0
"""Seconds that a command waits for the handler; it goes on without it, and the next call waits again."""
POLL = 0.25
REACHED = {"create": "active", "suspend": "suspended", "resume": "active", "terminate": "ended"}
"""The state of a service for which a verb was done."""
NOTE = "billmanager_prolong"
"""The metadata that keeps the reference of a renewal from before it is asked for until it is over."""


class NotDone(Exception):
    """The command is not done; the message says why."""


class Refused(NotDone):
    """Kontor refused a call."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.code = problem.get("code", "")
        self.state = problem.get("state")
        fields = "".join(f"; {each['loc']}: {each['msg']}" for each in problem.get("errors", ()))
        super().__init__(f"{status} {self.code}: {problem.get('detail', '')}{fields}")


class Kontor:
    """The API, for one reseller."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        try:
            self.url = environ["KONTOR_URL"].rstrip("/")
            self.key = environ["KONTOR_KEY"]
            self.reseller = environ["KONTOR_RESELLER"]
        except KeyError as missing:
            raise NotDone(f"{missing.args[0]} is missing in the environment") from None

    def call(self, method: str, path: str, body: Document | None = None, **query: Any) -> Any:
        """Make a call; return its document. Repeated for half a minute while Kontor is away."""
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        content = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + 30
        while True:
            request = urllib.request.Request(url, data=content, headers=headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=40) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                refused = Refused(error.code, problem_of(error))
                if error.code not in (429, 503) and refused.code not in ("busy", "idempotency_in_progress"):
                    raise refused from None
                reason: NotDone = refused
            except (urllib.error.URLError, OSError) as error:
                reason = NotDone(f"Kontor does not answer: {error}")
            if time.monotonic() > deadline:
                raise reason
            time.sleep(0.5)

    def service(self, item: str) -> Document | None:
        """Return the service of an item; None where there is none."""
        query: Document = {"reseller": self.reseller, "external_id": item, "limit": 1}
        items = self.call("GET", "/v1/services", **query)["items"]
        return self.read(items[0]["id"]) if items else None

    def read(self, service_id: str) -> Document:
        """Return a service with its jobs."""
        service: Document = self.call("GET", f"/v1/services/{service_id}")
        return service

    def ask(
        self, service: Document, verb: str, path: str, method: str = "POST", body: Document | None = None
    ) -> Document:
        """Ask for a verb unless it is under way; return the service when it is over."""
        action = service["action"]
        try:
            if action is None or action["verb"] != verb:
                self.call(method, path, body)
        except Refused as refused:
            if refused.code != "illegal_transition" or refused.state != REACHED.get(verb):
                raise
        return self.settled(service["id"], verb)

    def settled(self, service_id: str, verb: str) -> Document:
        """Return the service once nothing is under way. Raises NotDone when the verb failed."""
        deadline = time.monotonic() + WAIT
        while True:
            service = self.read(service_id)
            if service["action"] is None:
                if service["state"] == REACHED.get(verb):
                    return service
                newest = next((job for job in service["jobs"] if job["verb"] == verb), None)
                if newest is not None and newest["state"] in ("failed", "cancelled"):
                    raise NotDone(f"{verb} {newest['state']}: {newest['error']}")
                return service
            if time.monotonic() > deadline:
                raise NotDone(f"{service['action']['verb']} is still under way; call again")
            time.sleep(POLL)


def problem_of(error: urllib.error.HTTPError) -> Document:
    """Return the problem of an answer; of others nothing."""
    try:
        return dict(json.load(error))
    except ValueError:
        return {}


def open_(kontor: Kontor, item: str, order: Document) -> Document:
    """Order the product, or go on with the order that there is; a service that could not be made is tried again."""
    service = kontor.service(item)
    if service is None:
        body = {
            "product": order["product"],
            "order_ref": item,
            "external_id": item,
            "config": order.get("params") or {},
        }
        period = term_of(order.get("period"))
        if period is not None:
            body["term"] = period
        placed = kontor.call("POST", f"/v1/resellers/{kontor.reseller}/orders", body)
        service = kontor.read(placed["service_id"])
    if service["state"] == "ended":
        raise NotDone(f"the service of item {item} has ended; a new one needs a new item")
    if service["state"] == "failed":
        return kontor.ask(service, "create", f"/v1/services/{service['id']}/retry")
    return kontor.settled(service["id"], "create")


def term_of(period: object) -> str | None:
    """Return a period in months as Kontor's term; one in ISO 8601 stays as it is."""
    text = str(period or "")
    if not text or text.startswith("P"):
        return text or None
    return f"P{int(text)}M"


def suspend(kontor: Kontor, item: str, _: Document) -> Document:
    """Suspend the service."""
    service = required(kontor, item)
    if "reseller" in service["suspended_by"] or "operator" in service["suspended_by"]:
        return service
    return kontor.ask(service, "suspend", f"/v1/services/{service['id']}/suspend")


def resume(kontor: Kontor, item: str, _: Document) -> Document:
    """Resume the service."""
    service = required(kontor, item)
    if service["state"] == "active" and service["action"] is None:
        return service
    return kontor.ask(service, "resume", f"/v1/services/{service['id']}/resume")


def prolong(kontor: Kontor, item: str, _: Document) -> Document:
    """Renew the service for another term: once, also when an earlier call of it was killed."""
    service = required(kontor, item)
    renewals = sum(job["verb"] == "renew" for job in service["jobs"])
    reference = service["metadata"].get(NOTE) or f"{item}-prolong-{service['paid_until']}-{renewals}"
    path = f"/v1/services/{service['id']}"
    noted = {name: value for name, value in service["metadata"].items() if name != NOTE}
    kontor.call("PATCH", path, {"metadata": {**noted, NOTE: reference}})
    try:
        kontor.call("POST", f"{path}/renew", {"order_ref": reference})
        return kontor.settled(service["id"], "renew")
    finally:
        if kontor.read(service["id"])["action"] is None:
            kontor.call("PATCH", path, {"metadata": noted})


def setparam(kontor: Kontor, item: str, order: Document) -> Document:
    """Change the service's config."""
    service, params = required(kontor, item), order.get("params") or {}
    if all(service["config"].get(name) == value for name, value in params.items()):
        return service
    shown = {name: value for name, value in service["config"].items() if value != "***"}
    return kontor.ask(service, "change", f"/v1/services/{service['id']}", "PATCH", {"config": {**shown, **params}})


def close(kontor: Kontor, item: str, _: Document) -> Document | None:
    """End the service; one that is being made is cancelled."""
    service = kontor.service(item)
    if service is None or service["state"] == "ended":
        return service
    if service["state"] == "pending":
        try:
            kontor.call("POST", f"/v1/orders/{service['order_id']}/cancel", {})
        except Refused as refused:  # made, or cancelled, in the meantime
            if refused.code != "illegal_transition":
                raise
        deadline = time.monotonic() + WAIT
        while service["state"] == "pending" and time.monotonic() < deadline:
            time.sleep(POLL)
            service = kontor.read(service["id"])
    if service["state"] in ("pending", "ended"):
        return service
    return kontor.ask(service, "terminate", f"/v1/services/{service['id']}/terminate")


def required(kontor: Kontor, item: str) -> Document:
    """Return the service of an item. Raises NotDone where there is none."""
    service = kontor.service(item)
    if service is None:
        raise NotDone(f"there is no service of item {item}")
    return service


def features() -> str:
    """Return what the module can do, as BILLmanager reads it."""
    listed = "".join(f'<feature name="{name}"/>' for name in COMMANDS[1:])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<doc><itemtypes/><params/><features>{listed}</features></doc>\n'


ACTS = {
    "open": open_, "suspend": suspend, "resume": resume, "prolong": prolong, "setparam": setparam, "close": close,
}  # fmt: skip


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(description="Sells Kontor's products through BILLmanager.")
    parser.add_argument("--command", required=True, choices=COMMANDS)
    parser.add_argument("--item")
    options = parser.parse_args()
    if options.command == "features":
        sys.stdout.write(features())
        return 0
    if not options.item:
        parser.error("--item is missing")
    try:
        text = "" if sys.stdin.isatty() else sys.stdin.read()
        order = json.loads(text) if text.strip() else {}
        service = ACTS[options.command](Kontor(os.environ), options.item, order)
    except NotDone as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"stdin has no JSON of the form {{item, product, period, params}}: {error!r}\n")
        return 2
    if service is not None:
        names = ("id", "state", "paid_until", "result")
        sys.stdout.write(json.dumps({name: service[name] for name in names}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
