"""A reseller and a client whose pages whoever runs the demo may open, with an offer that waits for an answer."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console

from devtools.demo.world import World

KEYWORD: Final = "open the portal"
LINES: Final = [{"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}]
MESSAGE: Final = "Five more seats for the new colleagues?"


@dataclass(frozen=True, slots=True)
class Visitors:
    """Two accounts with a password, apart from those of the stories."""

    reseller: str
    client: str

    @classmethod
    def create(cls, world: World) -> "Visitors":
        """Create both in learning."""
        new = {"programme": "learning", "password": KEYWORD, "party": "company", "locale": "en"}
        reseller, client = (
            world.post("/v1/accounts", {**new, "name": name, "admin_email": address})["id"]
            for name, address in (("Harbour Training", "owner@harbour.example"), ("Pier School", "office@pier.example"))
        )
        world.post(f"/v1/accounts/{reseller}/become-reseller")
        credentials = {"name": "Pier School", "password": KEYWORD}
        world.post(f"/v1/resellers/{reseller}/clients/connect", credentials)
        world.create_instance(client)
        return cls(reseller, client)

    def invite(self, world: World, console: Console) -> None:
        """Send an offer, and print where the portal is, with a link for each that signs in once."""
        new = {"reseller_id": self.reseller, "account_id": self.client, "lines": LINES, "message": MESSAGE}
        world.post("/v1/offers", new)
        console.print(f"The portal: {world.deployment.url}/login")
        for name, account, path in (
            ("Harbour Training", self.reseller, "/partner"),
            ("Pier School", self.client, "/updates"),
        ):
            link = world.post(f"/v1/accounts/{account}/portal-sessions", {"path": path})["url"]
            console.print(f"  {name}, password “{KEYWORD}”, or at once: {link}", soft_wrap=True)
