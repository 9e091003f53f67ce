"""The setting of the stories about offers: a reseller, its client with an instance, and an offer."""

from dataclasses import dataclass
from http import HTTPStatus

from devtools.demo.deployment import check_equal
from devtools.demo.story import DemoAccount, StoryRun
from devtools.demo.world import Answer, World, open_page, press_button
from devtools.sample_instance import SampleInstance

OPEN = "waiting_for_confirmation"
LINES = (
    {"product": "excel-basics", "count": 15, "mode": "absolute", "term": "P1Y"},
    {"product": "data-protection", "count": 5, "mode": "relative", "term": "P6M"},
)


@dataclass(frozen=True, slots=True)
class Sale:
    """A reseller and the client that receives its offers."""

    world: World
    run: StoryRun
    reseller: DemoAccount
    client: DemoAccount
    instance: SampleInstance

    @classmethod
    def create(cls, world: World, run: StoryRun, locale: str = "de") -> "Sale":
        """Create a reseller, its client and the client's instance."""
        reseller = run.create_reseller("Nordlicht")
        client = run.create_client(reseller, "Werkstatt", locale=locale)
        return cls(world, run, reseller, client, run.create_instance(client))

    def send(self, *lines: Answer, **more: Answer) -> str:
        """Send an offer and return its id."""
        body = {
            "reseller_id": self.reseller.id,
            "account_id": self.client.id,
            "lines": lines or LINES,
            "message": "Hello!\nThis is what we talked about.",
            **more,
        }
        return str(self.world.post("/v1/offers", body, expect=HTTPStatus.CREATED)["id"])

    def offer(self, offer_id: str, state: str) -> Answer:
        """Return the offer and check its state. Raises DemoFailed."""
        offer = self.world.get(f"/v1/offers/{offer_id}")
        check_equal("the offer's state", offer["state"], state)
        return offer

    def link(self, address: str = "") -> str:
        """Return the link in the mail about the newest offer."""
        mail = self.world.received_mail("offer-received", self.client.id, address or self.client.address)
        return mail.links("/offers/")[0]

    def decide(self, word: str) -> None:
        """Open the link in the mail, which decides nothing, then press a button on its page."""
        link = self.link()
        check_equal("the page opened by a link scanner", open_page(link).status_code, HTTPStatus.OK)
        check_equal("the submitted decision", press_button(link, word).status_code, HTTPStatus.OK)

    def licences(self) -> dict[str, int]:
        """Return the client's licences by product."""
        items = self.world.get(f"/v1/accounts/{self.client.id}/licences")["items"]
        return {item["product"]: item["count"] for item in items}

    def received_events(self, kind: str) -> list[Answer]:
        """Return the data of the events of one type that the instance received, oldest first."""
        return [call["data"] for call in self.instance.received.calls if call["type"] == kind]


def states(offer: Answer) -> str:
    """Return the states of an offer in order."""
    return " -> ".join(event["to"] for event in offer["events"])
