"""Payment files sent to the console: kept while an operator looks at their rows, then imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.evidence.acts import rolled_back
from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.payments import import_target
from kontor.payments.import_mapping import Mapping, parse_mapping
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_run import Import, ImportChoices, ImportSummary
from kontor.payments.import_services import preset
from kontor.payments.import_target import ImportTarget
from models.payments import PaymentUpload

KEPT: Final = timedelta(days=1)
NAME_LIMIT: Final = 60
UNFIT: Final = re.compile(r"[^\w .()+-]+")


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file, whose payments it has, and how it is read. `mapping`: the name of a preset, or a mapping's text."""

    programme: str
    reseller_id: UUID | None
    file: str
    match: str | None
    mapping: str
    content: bytes


def keep(ctx: Context, session: Session, new: NewUpload, actor: str) -> PaymentUpload:
    """Keep a file that can be read; files of yesterday are deleted.

    Raises Invalid for a file, pattern or mapping that cannot be read, NotFound, Conflict(`not_a_reseller`).
    """
    session.execute(delete(PaymentUpload).where(PaymentUpload.uploaded_at < ctx.now - KEPT))
    upload = PaymentUpload(
        id=new_id(),
        programme=new.programme,
        reseller_id=new.reseller_id,
        file=UNFIT.sub("_", new.file.rpartition("/")[2].rpartition("\\")[2]).strip(" .")[-NAME_LIMIT:] or "payments",
        match=new.match,
        mapping=new.mapping,
        content=new.content,
        uploaded_by=actor,
        uploaded_at=ctx.now,
    )
    upload.programme = _target(ctx, session, upload).code
    with _opened(upload):
        session.add(upload)
        session.flush()
    return upload


def get(session: Session, upload_id: UUID) -> PaymentUpload:
    """Return a file that was sent and is not imported yet. Raises NotFound."""
    upload = session.get(PaymentUpload, upload_id)
    if upload is None:
        raise NotFound(message="The file is imported already, or was sent more than a day ago.")
    return upload


def preview(ctx: Context, session: Session, upload: PaymentUpload, choices: ImportChoices) -> ImportSummary:
    """Return what an import would do; everything is rolled back."""
    with rolled_back(session):
        return _run(ctx, session, upload, choices)


def take(ctx: Context, session: Session, upload: PaymentUpload, choices: ImportChoices) -> ImportSummary:
    """Import all rows, or none while one is in doubt; an imported file is kept no more."""
    summary = _run(ctx, session, upload, choices)
    if not summary.doubtful_rows:
        session.delete(upload)
        session.flush()
    return summary


def _run(ctx: Context, session: Session, upload: PaymentUpload, choices: ImportChoices) -> ImportSummary:
    target = _target(ctx, session, upload)
    with _opened(upload) as file:
        return Import(ctx, lambda: nullcontext(session), file, target, choices).run()


def _target(ctx: Context, session: Session, upload: PaymentUpload) -> ImportTarget:
    if upload.reseller_id is not None:
        return import_target.of_reseller(ctx, session, upload.reseller_id)
    return import_target.of_programme(ctx, session, upload.programme, upload.match)


@contextmanager
def _opened(upload: PaymentUpload) -> Iterator[PaymentFile]:
    """Provide the file on the disk, which the import reads more than once. Raises Invalid."""
    with TemporaryDirectory(prefix="kontor-upload-") as folder:
        path = Path(folder) / upload.file
        path.write_bytes(upload.content)
        yield PaymentFile.of(path, mapping_of(upload.mapping))


def mapping_of(text: str) -> Mapping:
    """Return the mapping of a preset's name, or of a mapping's text: never of a path. Raises Invalid."""
    if not text:
        return Mapping()
    if ":" in text:
        return parse_mapping(text, "mapping")
    if not text.isprintable():
        raise Invalid("invalid", "The mapping is neither the name of a preset nor the text of a mapping.")
    return Mapping(preset(text), source=text)
