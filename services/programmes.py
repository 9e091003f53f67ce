"""Programmes as they are applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid, NotFound
from domain.programme import Programme, from_document
from models.programmes import ProgrammeRow
from store import programmes as rows

MEMO: Final = "kontor.programmes"


class Programmes:
    """Applied programmes by code, each read once per version. Safe to share by threads."""

    def __init__(self) -> None:
        self._read: dict[str, Programme] = {}

    def current(self, session: Session, code: str) -> Programme:
        """The programme of that code. Raises Invalid(`unknown_programme`)."""
        digest = digest_in(session, code)
        if digest is None:
            message = f"There is no programme {code!r}; GET /v1/programmes lists them."
            raise Invalid("unknown_programme", message, errors=[FieldError("programme", message)])
        return self.of_digest(session, code, digest)

    def of_digest(self, session: Session, code: str, digest: str) -> Programme:
        """The programme whose digest was read together with something else."""
        known = self._read.get(digest)
        if known is None:
            known = self._read[digest] = from_document(get(session, code).document)
        return known

    def any(self, session: Session, code: str | None) -> Programme | None:
        """The programme of that code, or the first one; None when there is none at all."""
        wanted = code or rows.first_code(session)
        return self.current(session, wanted) if wanted else None


def digest_in(session: Session, code: str) -> str | None:
    """What tells the applied version from others, asked once per transaction."""
    known: tuple[object, dict[str, str]] | None = session.info.get(MEMO)
    if known is None or known[0] is not session.get_transaction():
        known = None
    elif code in known[1]:
        return known[1][code]
    digest = rows.digest(session, code)
    if digest is not None:
        memo = known[1] if known else {}
        session.info[MEMO] = (session.get_transaction(), {**memo, code: digest})
    return digest


def forget(session: Session) -> None:
    """Ask again in this transaction: something was applied."""
    session.info.pop(MEMO, None)


def get(session: Session, code: str) -> ProgrammeRow:
    """What is applied under a code. Raises NotFound."""
    row = rows.by_code(session, code)
    if row is None:
        raise NotFound("unknown_programme", f"There is no programme {code!r}.")
    return row


def listed(session: Session) -> Sequence[ProgrammeRow]:
    """Everything applied, by code."""
    return rows.listed(session)


def document(row: ProgrammeRow) -> dict[str, Any]:
    """The JSON shape of an applied programme."""
    return {
        "code": row.code,
        "version": row.version,
        "applied_at": row.applied_at,
        "applied_by": row.applied_by,
        "document": row.document,
    }
