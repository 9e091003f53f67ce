"""Actions about payments that come in files, and about those of their rows that name nobody."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from devtools.simulation.action_context import ActionContext, ActionHandler, ActionResult, Values
from kontor.kernel.errors import Conflict, NotFound
from kontor.payments import import_target, unmatched
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_run import Import, ImportChoices
from models.payments import UnmatchedPayment

FIRST_ROW: Final = 2
"""Line of the first row of a file, after the names of the columns."""
COLUMNS: Final = ("paid_at", "amount", "reference", "kind", "currency", "reseller")


def import_file(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Import a file of payments of several resellers, all rows or none; return how many were entered."""
    context = ctx.environment.context
    target = import_target.of_programme(context, session, ctx.programme_code, None)
    choices = ImportChoices(_lines(values["accepted"]), _lines(values["left_out"]))
    with TemporaryDirectory(prefix="kontor-simulate-") as folder:
        path = Path(folder) / values["file"]
        _write(path, values["rows"], ctx.programme.currency)
        summary = Import(context, ctx.environment.transaction, PaymentFile.of(path), target, choices).run()
    if summary.doubtful_rows:
        lines = sorted(doubt.line - FIRST_ROW for doubt in summary.doubtful)
        return Conflict("doubtful", f"{summary.doubtful_rows} rows are in doubt", rows=lines)
    return {
        "imported": summary.imported,
        "unmatched": summary.unmatched,
        "already_there": summary.already_there,
        "skipped": summary.skipped,
    }


def assign_unmatched(ctx: ActionContext, session: Session, values: Values) -> None:
    """Assign a row that named nobody to a reseller."""
    line = values["row"] + FIRST_ROW
    query = select(UnmatchedPayment.id).where(UnmatchedPayment.file == values["file"], UnmatchedPayment.line == line)
    waiting = session.scalars(query).one_or_none()
    if waiting is None:
        raise NotFound
    unmatched.assign(ctx.environment.context, session, waiting, ctx.id(values["reseller"]), "operator:simulation")


def _lines(rows: list[int]) -> frozenset[int]:
    return frozenset(row + FIRST_ROW for row in rows)


def _write(path: Path, rows: list[Values], currency: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(COLUMNS)
        for row in rows:
            cells = (row["paid_at"].isoformat(), row["amount"], row["reference"], row["kind"])
            writer.writerow((*cells, currency, row["reseller"] or ""))


IMPORT_ACTIONS: Final[Mapping[str, ActionHandler]] = {"import": import_file, "assign_unmatched": assign_unmatched}
