"""What a story is, and what one playing of it has to do with: its people, its steps, its programme."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from devtools.demo.world import World
from devtools.sample_instance import SampleInstance

Scenes = Generator[datetime, None, str]
"""Yields the instant at which it goes on, when nothing due is left; returns what happened in one sentence."""


@dataclass(frozen=True, slots=True)
class Story:
    """One story of a programme."""

    programme: str
    name: str
    play: Callable[[World, "Act"], Scenes]


@dataclass(frozen=True, slots=True)
class Party:
    """An account and where its admin reads mail."""

    id: str
    name: str
    address: str


@dataclass(slots=True)
class Act:
    """One playing of a story; `number` keeps its names apart from those of others."""

    world: World
    story: Story
    number: int
    tell: Callable[[str], None]
    parties: list[Party] = field(default_factory=list)
    instances: list[SampleInstance] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    days: list[datetime] = field(default_factory=list)
    seconds: float = 0.0
    happened: str = ""

    def say(self, step: str) -> None:
        """Tell a step as it happens."""
        self.steps.append(step)
        self.tell(f"{self.world.now:%d %b %H:%M}  {self.story.programme}, {self.story.name}: {step}")

    def account(self, name: str, **more: Any) -> Party:
        """A regular account of the story's programme."""
        party = self._party(name)
        new = {"programme": self.story.programme, "name": party.name, "admin_email": party.address, **more}
        return self._made(party, self.world.post("/v1/accounts", new, expect=HTTPStatus.CREATED))

    def reseller(self, name: str, **more: Any) -> Party:
        """An account that becomes a reseller at once."""
        party = self.account(name, **more)
        self.world.post(f"/v1/accounts/{party.id}/become-reseller", expect=HTTPStatus.OK)
        return party

    def client(self, reseller: Party, name: str, **more: Any) -> Party:
        """A client of a reseller."""
        party = self._party(name)
        new = {"name": party.name, "admin_email": party.address, **more}
        path = f"/v1/resellers/{reseller.id}/clients"
        return self._made(party, self.world.post(path, new, expect=HTTPStatus.CREATED))

    def instance(self, party: Party) -> SampleInstance:
        """A system of the customer's own."""
        made = self.world.instance(party.id)
        self.instances.append(made)
        return made

    def _party(self, name: str) -> Party:
        return Party("", f"{name} {self.number}", f"admin{len(self.parties) + 1}@story{self.number}.example")

    def _made(self, party: Party, account: Any) -> Party:
        made = Party(account["id"], party.name, party.address)
        self.parties.append(made)
        return made
