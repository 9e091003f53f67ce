"""What the stories about offers share: a reseller, a client with a system of its own, an offer between them."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from devtools.demo.deployment import must_be
from devtools.demo.mailbox import look, press
from devtools.demo.story import Act, Party
from devtools.demo.world import World
from devtools.sample_instance import SampleInstance

OPEN = "waiting_for_confirmation"
LINES = (
    {"product": "excel-basics", "count": 15, "mode": "absolute", "term": "P1Y"},
    {"product": "data-protection", "count": 5, "mode": "relative", "term": "P6M"},
)


@dataclass(frozen=True, slots=True)
class Sale:
    """Who sells to whom."""

    world: World
    act: Act
    reseller: Party
    client: Party
    instance: SampleInstance

    @classmethod
    def between(cls, world: World, act: Act, locale: str = "de") -> "Sale":
        """A new reseller and its new client."""
        reseller = act.reseller("Nordlicht")
        client = act.client(reseller, "Werkstatt", locale=locale)
        return cls(world, act, reseller, client, act.instance(client))

    def send(self, *lines: Any, **more: Any) -> str:
        """Send an offer; its id."""
        body = {
            "reseller_id": self.reseller.id,
            "account_id": self.client.id,
            "lines": lines or LINES,
            "message": "Hello!\nThis is what we talked about.",
            **more,
        }
        return str(self.world.post("/v1/offers", body, expect=HTTPStatus.CREATED)["id"])

    def offer(self, offer_id: str, state: str) -> Any:
        """The offer, which has to be in a state."""
        found = self.world.get(f"/v1/offers/{offer_id}")
        must_be("the offer's state", found["state"], state)
        return found

    def link(self, address: str = "") -> str:
        """Where the mail about the newest offer leads."""
        letter = self.world.letter("offer-received", self.client.id, address or self.client.address)
        return letter.links("/offers/")[0]

    def decide(self, word: str) -> None:
        """Press a button on the page that the mail links to; that it was opened before decides nothing."""
        link = self.link()
        must_be("a link scanner's visit", look(link).status_code, HTTPStatus.OK)
        must_be("the press of the button", press(link, word).status_code, HTTPStatus.OK)

    def licences(self) -> dict[str, int]:
        """What the client holds, by product."""
        held = self.world.get(f"/v1/accounts/{self.client.id}/licences")["items"]
        return {one["product"]: one["count"] for one in held}

    def told(self, kind: str) -> list[Any]:
        """What the instance was told of one kind, oldest first."""
        return [call["data"] for call in self.instance.book.calls if call["type"] == kind]


def states(offer: Any) -> str:
    """The states an offer went through."""
    return " -> ".join(event["to"] for event in offer["events"])
