"""A story of a programme, and one run of it with its accounts and steps."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from devtools.demo.world import Answer, World
from devtools.sample_instance import SampleInstance

Steps = Generator[datetime, None, str]
"""Yields the instant at which the story continues; returns the result in one sentence."""


@dataclass(frozen=True, slots=True)
class Story:
    """A story of a programme."""

    programme: str
    name: str
    play: Callable[[World, "StoryRun"], Steps]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account and the mail address of its admin."""

    id: str
    name: str
    address: str


@dataclass(slots=True)
class StoryRun:
    """A run of a story; `number` makes its names unique."""

    world: World
    story: Story
    number: int
    print_step: Callable[[str], None]
    accounts: list[DemoAccount] = field(default_factory=list)
    instances: list[SampleInstance] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    days: list[datetime] = field(default_factory=list)
    seconds: float = 0.0
    happened: str = ""

    def report(self, step: str) -> None:
        """Record and print a step."""
        self.steps.append(step)
        self.print_step(f"{self.world.now:%d %b %H:%M}  {self.story.programme}, {self.story.name}: {step}")

    def create_account(self, name: str, **more: Answer) -> DemoAccount:
        """Create a regular account of the story's programme."""
        account = self._new_account(name)
        new = {"programme": self.story.programme, "name": account.name, "admin_email": account.address, **more}
        return self._created(account, self.world.post("/v1/accounts", new, expect=HTTPStatus.CREATED))

    def create_reseller(self, name: str, **more: Answer) -> DemoAccount:
        """Create an account and make it a reseller."""
        account = self.create_account(name, **more)
        self.world.post(f"/v1/accounts/{account.id}/become-reseller", expect=HTTPStatus.OK)
        return account

    def create_client(self, reseller: DemoAccount, name: str, **more: Answer) -> DemoAccount:
        """Create a client of a reseller."""
        account = self._new_account(name)
        new = {"name": account.name, "admin_email": account.address, **more}
        path = f"/v1/resellers/{reseller.id}/clients"
        return self._created(account, self.world.post(path, new, expect=HTTPStatus.CREATED))

    def create_instance(self, account: DemoAccount) -> SampleInstance:
        """Start an instance for an account."""
        instance = self.world.create_instance(account.id)
        self.instances.append(instance)
        return instance

    def _new_account(self, name: str) -> DemoAccount:
        return DemoAccount("", f"{name} {self.number}", f"admin{len(self.accounts) + 1}@story{self.number}.example")

    def _created(self, new: DemoAccount, row: Answer) -> DemoAccount:
        account = DemoAccount(row["id"], new.name, new.address)
        self.accounts.append(account)
        return account
