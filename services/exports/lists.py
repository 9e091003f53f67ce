"""Reads a reseller's clients at one instant into a temporary file, then writes them as CSV or Excel."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.currencies import minor_units
from domain.periods import calendar_month
from domain.programme import Programme
from domain.programme.model import QuotaPeriod
from domain.zones import local_day
from engine.driver import driver
from services.account_book import AccountBook
from services.exports import as_csv, as_excel
from services.exports.columns import Value, columns
from services.resellers import reseller
from store.client_lists import Asked, copy_clients

IN_MEMORY: Final = 256 * 1024
"""Bytes; a longer list is written to disk."""
UNLIMITED: Final = "unlimited"
Limits = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class ClientList:
    """The rows read, and the programme to interpret them. Only one format can be written, once."""

    programme: Programme
    rows: SpooledTemporaryFile[bytes]

    def as_csv(self) -> Iterator[bytes]:
        """Yield the list as a CSV file."""
        with self.rows:
            yield from as_csv.blocks(columns(self.programme.metrics), self.lines())

    def as_excel(self) -> Iterator[bytes]:
        """Yield the list as an Excel workbook."""
        with self.rows:
            decimals = minor_units(self.programme.currency)
            yield from as_excel.blocks(columns(self.programme.metrics), self.lines(), decimals)

    def lines(self) -> Iterator[tuple[Value, ...]]:
        """Yield a line for every client, in the order of the columns."""
        self.rows.seek(0)
        text = io.TextIOWrapper(self.rows, "utf-8", newline="")
        for row in csv.reader(text):
            yield self._line(row)

    def _line(self, row: list[str]) -> tuple[Value, ...]:
        name, email, plan, running, trial_end, created, used, offers, fee = row
        return (
            name,
            email,
            plan,
            _instant(trial_end),
            *self._usage(json.loads(used) if used else {}, plan, unlimited=running == "t"),
            int(offers),
            Decimal(fee).quantize(self._unit),
            self.programme.currency,
            _instant(created),
        )

    @property
    def _unit(self) -> Decimal:
        return Decimal(1).scaleb(-minor_units(self.programme.currency))

    def _usage(self, used: Mapping[str, int], plan: str, *, unlimited: bool) -> Iterator[Value]:
        limits = self.programme.plans.get(plan, self.programme.free_plan).limits
        for metric in self.programme.metrics:
            limit = None if unlimited else limits.get(metric)
            yield used.get(metric, 0)
            yield UNLIMITED if limit is None else limit


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def read(ctx: AccountBook, session: Session, reseller_id: UUID) -> ClientList:
    """Read the reseller's current clients. Raises NotFound, Conflict(`not_a_reseller`)."""
    owner = reseller(session, reseller_id)
    rows: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 -- closed by the writer
    programme = ctx.programme_of(session, owner)
    month = calendar_month(ctx.now, programme.zone)
    query = Asked(
        reseller_id=owner.id,
        now=ctx.now,
        today=local_day(ctx.now, programme.zone),
        metrics=programme.metrics,
        first=month.start,
        until=month.end,
        paid_periods=programme.quota.period is QuotaPeriod.PAID_PERIOD,
    )
    copy_clients(driver(session), query, rows)
    return ClientList(programme, rows)
