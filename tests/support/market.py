"""Two resellers with a client each and one that moves between them: whatever somebody must not see is marked."""

from __future__ import annotations

import email
import email.policy
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from kontor.accounts import client_import
from kontor.accounts.payloads import FileRow
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.fees import statements
from kontor.kernel.ids import new_id
from models.accounts import Account
from tests.support.api import Api
from tests.support.fees import FeeScenario, money
from tests.support.worker import running_worker

PROGRAMME: Final = """
name: Zephyr Telephony
locale: en
currency: EUR
timezone: UTC
white_label: true
terms: {version: terms-zephyr}
sender: {name: Zephyr Provider, address: noreply@zephyr.example}
plans:
  free: {name: Free, limits: {calls: 5}}
  pro: {name: Pro, price: "41.41", limits: {calls: 500}}
trial: {days: 7, reminders: [3]}
discount:
  kind: turnover
  families: [voice]
  tiers:
    - {name: Tier Zeta, from: 100, percent: {voice: 12.5}}
promo_codes:
  ZETACODE: {percent: 17}
subscriptions:
  account:
    line-retail: {name: Line, fee: "29.99", shared: true}
    alpha-retail: {name: Own alpha, fee: "31.31"}
    beta-retail: {name: Own beta, fee: "32.32"}
  reseller:
    line-wholesale: {name: Line wholesale, fee: "13.37", multiple: true}
    alpha-wholesale: {name: Alpha wholesale, fee: "23.57", multiple: true}
    beta-wholesale: {name: Beta wholesale, fee: "37.91", multiple: true}
products:
  line:
    name: Line
    family: voice
    shared: true
    account_subscription: line-retail
    reseller_subscription: line-wholesale
  handset: {name: Handset, family: voice, price: "47.11"}
"""
MANAGED: Final = """
  own-{word}:
    name: Own {word}
    managed_by: reseller
    reseller: {reseller}
    account_subscription: {word}-retail
    reseller_subscription: {word}-wholesale
"""
TRADE_VALUES: Final = (
    "13.37", "23.57", "37.91", "41.41", "47.11", "Tier Zeta", "ZETACODE", "terms-zephyr", "PAY-", "ORDER-", "150.00",
)  # fmt: skip
"""What no client gets."""
FEES: Final = {"alpha": "23.57", "beta": "37.91"}
RETAIL: Final = {"alpha": "66.61", "beta": "77.71"}
PASSWORD: Final = "a" * 12


@dataclass
class Party:
    """A reseller with its client; `ids` by path parameter, several of each."""

    word: str
    reseller: str
    client: str = ""
    ids: dict[str, list[str]] = field(default_factory=dict)

    @property
    def secrets(self) -> set[str]:
        """What no other reseller, and no client of one, may see."""
        word = self.word
        names = {f"{word.title()} Trading", f"Client of {word}", f"Own {word}", f"own-{word}", f"message {word}"}
        values = {f"PAY-{word}", f"ORDER-{word}", f"job {word}", f"Template {word}", FEES[word], RETAIL[word]}
        created = {each for name, ids in self.ids.items() if name != "product" for each in ids}
        return names | values | created | {self.reseller, self.client}

    def add(self, parameter: str, value: str) -> str:
        """Keep an id."""
        self.ids.setdefault(parameter, []).append(value)
        return value


@dataclass
class Market(FeeScenario):
    """The scenario; `mover` was a client of alpha and is one of beta. `month`: of the statements, such as `2026-03`."""

    parties: dict[str, Party] = field(default_factory=dict)
    mover: str = ""
    month: str = ""

    def open(self) -> None:
        """Create the resellers, their products, clients and everything that they do; then one client moves."""
        self.apply("market", PROGRAMME)
        for word in ("alpha", "beta"):
            self.parties[word] = Party(word, self.reseller("market", f"{word.title()} Trading"))
        managed = (MANAGED.format(word=word, reseller=party.reseller) for word, party in self.parties.items())
        self.apply("market", PROGRAMME + "".join(managed).replace("\n\n", "\n"))
        self.mover = self.account("market", "Client that moves")
        alpha, beta = self.parties.values()
        for party in (alpha, beta):
            party.client = self.client(party.reseller, f"Client of {party.word}")
            self.trade(party)
        self.join(alpha)
        self.serve(alpha, self.mover)
        self.ok(f"POST /v1/resellers/{alpha.reseller}/clients/{self.mover}/disconnect")
        self.join(beta)
        self.state()
        self.settle()

    def ok(self, line: str, body: Any = None) -> Any:
        """Send a request of the operator that must succeed."""
        return self.api.ok(line, body, key=self.key)

    def state(self) -> None:
        """Post the statement of this month to each reseller."""
        deps, month = self.api.deps, self.clock.now().date().replace(day=1)
        self.month = f"{month:%Y-%m}"
        with self.transaction() as session:
            for party in self.parties.values():
                statements.post(deps.context(deps.jobs), session, UUID(party.reseller), month)

    def join(self, party: Party) -> None:
        """Connect the client that moves."""
        self.ok(
            f"POST /v1/resellers/{party.reseller}/clients/connect", {"name": "Client that moves", "password": PASSWORD}
        )

    def trade(self, party: Party) -> None:
        """Do what a reseller does: pay, order, listen, and serve its client."""
        word, reseller = party.word, party.reseller
        hook = {"url": f"https://hooks.example/{word}", "events": ["*"], "reseller_id": reseller}
        party.add("endpoint_id", self.ok("POST /v1/webhook-endpoints", hook)["id"])
        payment = {"amount": money("150.00", "EUR"), "paid_at": self.clock.now().isoformat(), "kind": "payment"}
        posted = self.ok(f"POST /v1/resellers/{reseller}/payments", {**payment, "reference": f"PAY-{word}"})
        party.add("payment_id", posted["id"])
        order = {"product": "handset", "order_ref": f"ORDER-{word}", "promo_code": "ZETACODE"}
        party.add("order_id", self.ok(f"POST /v1/resellers/{reseller}/orders", order)["id"])
        lines = [{"product": f"own-{word}", "count": 3, "mode": "absolute", "term": "P1Y"}]
        template = {"reseller_id": reseller, "name": f"Template {word}", "lines": lines}
        party.add("template_id", self.ok("POST /v1/offer-templates", template)["id"])
        self.serve(party, party.client)
        self.ok(f"PUT /v1/accounts/{party.client}/subscription", {"plan": "pro"})
        party.add("job_id", party.add("import_id", self.import_client(reseller, word)))
        self.ok(
            f"POST /v1/accounts/{party.client}/usage",
            {"metric": "calls", "value": 501, "at": self.clock.now().isoformat()},
        )

    def import_client(self, reseller: str, word: str) -> str:
        """Begin an import of a client; return its id."""
        row = FileRow(2, {"name": f"Imported by {word}", "admin_email": f"imported@{word}.example"})
        with self.api.deps.sessions() as session:
            ctx, owner = self.api.deps.context(self.api.deps.jobs), session.get_one(Account, reseller)
            begun = client_import.enqueue(ctx, session, owner, [row], new_id(), Actor("test"))
            session.commit()
        return str(begun)

    def serve(self, party: Party, client: str) -> None:
        """Assign products to a client, send it two offers of which the operator accepts one, and work for it."""
        word = party.word
        self.ok(f"PUT /v1/accounts/{client}/instance", {"url": f"https://customer.example/{client}"})
        for product in ("line", f"own-{word}"):
            self.ok(
                f"POST /v1/accounts/{client}/products", {"product": product, "retail_fee": money(RETAIL[word], "EUR")}
            )
        new = {"reseller_id": party.reseller, "account_id": client, "template_id": party.ids["template_id"][0]}
        for _ in range(2):
            party.add("offer_id", self.ok("POST /v1/offers", {**new, "message": f"message {word}"})["id"])
        self.settle()
        self.ok(f"POST /v1/offers/{party.ids['offer_id'][-2]}/accept")
        for owner in ({"reseller_id": party.reseller}, {"account_id": client}):
            key = self.api.key(**{name: UUID(value) for name, value in owner.items()})
            job = {"task": "probe.echo", "args": {"message": f"job {word}"}}
            party.add("job_id", self.api.ok("POST /v1/jobs", job, key=key)["id"])
        self.settle()
        mails = (
            self.ok(f"GET /v1/mails?account={client}")["items"]
            + self.ok(f"GET /v1/mails?account={party.reseller}")["items"]
        )
        for mail in mails:
            party.add("mail_id", mail["id"])

    def posted(self, url: str) -> bytes:
        """Everything that was sent to a URL."""
        return b"\n".join(post.body for post in self.worker.http.posted if post.url == url)

    def mailed(self, address: str) -> str:
        """Every mail to an address as it reads, headers included."""
        return "\n".join(readable(sent.raw) for sent in self.worker.mail_transport.sent if sent.recipient == address)


def readable(raw: bytes) -> str:
    """Return subject, names and texts of a mail."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *texts])


@contextmanager
def open_market(api: Api, clock: ManualClock) -> Iterator[Market]:
    """The scenario with everything done."""
    with running_worker(api.deps) as worker:
        market = Market(api, worker, clock, api.key())
        market.open()
        yield market


def text_of(answer: httpx.Response) -> str:
    """Return an answer as it reads; a workbook unpacked."""
    if answer.content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return "\n".join(archive.read(name).decode() for name in archive.namelist())
    return answer.text
