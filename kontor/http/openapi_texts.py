"""Texts of the OpenAPI document: its introduction, its tags, the headers of answers."""

from typing import Final, NamedTuple

from kontor.http.wire import Json

DESCRIPTION: Final = """\
Jobs, resellers, offers, licences, services and money, by HTTP.

Send an API key as `Authorization: Bearer KEY`. Ids are UUIDs, instants RFC 3339 with an offset, money is
`{"amount": "10.00", "currency": "EUR"}`. Errors are RFC 9457 problems with a stable `code`. Lists answer
`{"items": [...], "next": cursor}`; go on with `cursor` until `next` is null. Every POST takes an `Idempotency-Key`.
A GET may be asked as HEAD. The document of one resource has an `ETag`: send it in `If-None-Match` to read it only when
it has changed (304), in `If-Match` to change it only when it has not (412). Bodies may be sent, and long answers come,
with `Content-Encoding: gzip`.
"""

TAGS: Final = {
    "account_book": "The account book of a reseller: what was bought, paid, credited, and the balance.",
    "accounts": "Accounts, their brands, instances, trials and usage.",
    "clock": "The test clock, on test systems alone.",
    "discounts": "The discount of a reseller, explained, and the daily runs that compute it.",
    "domains": "Domains of brands and their verification.",
    "events": "Every domain event in order, for systems that rather poll.",
    "fees": "Products, plans and what is charged for them.",
    "health": "Whether the process lives and can work; metrics.",
    "jobs": "Enqueue jobs, find them, cancel and retry them.",
    "keys": "API keys.",
    "lanes": "Breakers of calls to customers' systems and handlers.",
    "leases": "Pull workers: lease jobs, keep them alive, end them.",
    "mails": "The log of mails.",
    "members": "People of an account, and sign-in links to the portal.",
    "offers": "Offers, templates, licences, and what awaits a decision.",
    "orders": "Orders of resellers.",
    "payments": "Payments, refunds and chargebacks of resellers.",
    "programmes": "The programme files: what is sold to whom, at which prices.",
    "queues": "Queues of jobs.",
    "reconciliation": "Gaps between the records, and their repair.",
    "resellers": "Resellers and their clients.",
    "schedules": "Jobs that run by the clock.",
    "services": "What was ordered and is provisioned.",
    "task-types": "Task types that are declared as data, and their handlers.",
    "webhooks": "Endpoints that get events, and deliveries to them.",
}


class HeaderText(NamedTuple):
    """What a header of an answer says, with an example."""

    text: str
    example: str | int
    kind: str = "string"

    def component(self) -> dict[str, Json]:
        """Return it as a component."""
        return {"description": self.text, "schema": {"type": self.kind}, "example": self.example}


HEADERS: Final = {
    "ETag": HeaderText("The version of the document, for `If-None-Match` and `If-Match`.", '"9f2c1d0e4b6a7c8d"'),
    "Idempotency-Replayed": HeaderText("`true` when it is the first answer to the same `Idempotency-Key`.", "true"),
    "RateLimit": HeaderText("The limit that refused, what is left, seconds until there is more.", '"api";r=0;t=1'),
    "RateLimit-Policy": HeaderText("The limit by name, and its quota.", '"api";q=50;w=1'),
    "Retry-After": HeaderText("Seconds to wait before the next try.", 1, "integer"),
    "WWW-Authenticate": HeaderText("How to authenticate.", "Bearer"),
    "X-Trace-Id": HeaderText("The trace of the request; name it with a fault.", "4bf92f3577b34da6a3ce929d0e0e4736"),
}
