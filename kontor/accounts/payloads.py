"""Payloads of accounts: deletion for good, imports of clients, merges, domains, images of brands, pings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final, Self
from uuid import UUID

from pydantic import model_validator

from kontor.engine.catalogue import Count, Payload, Policy, ScheduleSpec, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import ImageRole, MisfirePolicy, TaskKind
from kontor.licences.payloads import INSTANCE_QUEUE

TIDY: Final = "accounts.tidy"
CLIENTS: Final = "clients.import"
MERGE: Final = "resellers.merge"
DOMAINS: Final = "domains.check"
IMAGES: Final = "brands.image"
PING: Final = "instances.ping"
METADATA: Final = "metadata."
"""What the names of further columns begin with: the rest is a key of the client's metadata."""


class AccountsTidy(Payload):
    """Purge accounts deleted 30 days ago; continues in another job while there are more.

    `purged` is the number purged by earlier chunks.
    """

    policy: ClassVar[Policy] = isolated_policy(TIDY, "upkeep", timedelta(hours=1), attempts=5)

    purged: Count = 0


class ResellersMerge(Payload):
    """Merge a reseller into another one of the same programme."""

    policy: ClassVar[Policy] = isolated_policy(MERGE, "programme", timedelta(minutes=1), attempts=5)

    reseller_id: UUID
    into: UUID

    @model_validator(mode="after")
    def into_another(self) -> Self:
        """Refuse a merge of a reseller into itself."""
        if self.reseller_id == self.into:
            raise ValueError("a reseller cannot be merged into itself")
        return self


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row with its number in the file, the line of columns being 1. `values`: the cells that are not empty."""

    number: int
    values: Mapping[str, str]

    def get(self, column: str) -> str:
        """Return a cell, empty if the row has none."""
        return self.values.get(column, "")

    @property
    def metadata(self) -> dict[str, str] | None:
        """Return the metadata that the row names."""
        named = {name.removeprefix(METADATA): text for name, text in self.values.items() if name.startswith(METADATA)}
        return named or None


class ClientsImport(Payload):
    """Make clients of the rows of a file, a chunk at a time; each chunk enqueues the next.

    `begun_by`: the job that has the rows, of which this one begins at `start`; None for that job itself.
    """

    policy: ClassVar[Policy] = isolated_policy(CLIENTS, "upkeep", timedelta(seconds=10), attempts=5)
    sensitive: ClassVar[frozenset[str]] = frozenset({"rows"})

    reseller_id: UUID
    rows: tuple[FileRow, ...] = ()
    total: Count
    start: Count = 0
    begun_by: UUID | None = None


class DomainsCheck(Payload):
    """Look up the TXT records of domains that are due: unverified fresh claims, every other claim once a day."""

    policy: ClassVar[Policy] = Policy(
        name=DOMAINS,
        queue="upkeep",
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=3),
    )


class InstancePing(Payload):
    """Send a signed `ping` to an instance because a person or a key asked; an answer 2xx closes its breaker."""

    policy: ClassVar[Policy] = Policy(
        name=PING,
        queue=INSTANCE_QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=1),
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    account_id: UUID


class BrandImageFetch(Payload):
    """Fetch the image that a brand names by its URL, and make a PNG of it. A failure is told to the reseller."""

    policy: ClassVar[Policy] = Policy(
        name=IMAGES,
        queue="webhooks",
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=8, base=timedelta(minutes=1), cap=timedelta(minutes=30)),
        time_limit=timedelta(minutes=1),
    )

    account_id: UUID
    role: ImageRole


SCHEDULES: Final = (
    ScheduleSpec(name=TIDY, cron="10 * * * *", timezone="UTC", task=TIDY, misfire=MisfirePolicy.ONCE),
    ScheduleSpec(name=DOMAINS, cron="*/5 * * * *", timezone="UTC", task=DOMAINS, misfire=MisfirePolicy.SKIP),
)
