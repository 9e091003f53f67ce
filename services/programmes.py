"""The applied programmes."""

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
    """Applied programmes by code, each version parsed once. Thread-safe."""

    def __init__(self) -> None:
        self._read: dict[str, Programme] = {}

    def current(self, session: Session, code: str) -> Programme:
        """Return the programme of that code. Raises Invalid(`unknown_programme`)."""
        digest = digest_in(session, code)
        if digest is None:
            message = f"There is no programme {code!r}; GET /v1/programmes lists them."
            raise Invalid("unknown_programme", message, errors=[FieldError("programme", message)])
        return self.of_digest(session, code, digest)

    def of_digest(self, session: Session, code: str, digest: str) -> Programme:
        """Return the programme of a digest that was read earlier in the transaction."""
        programme = self._read.get(digest)
        if programme is None:
            programme = self._read[digest] = from_document(get(session, code).document)
        return programme

    def any(self, session: Session, code: str | None) -> Programme | None:
        """Return the programme of that code, or the first one; None when no programme is applied."""
        chosen = code or rows.first_code(session)
        return self.current(session, chosen) if chosen else None


def digest_in(session: Session, code: str) -> str | None:
    """Return the digest of the applied version, read once per transaction."""
    cached: tuple[object, dict[str, str]] | None = session.info.get(MEMO)
    if cached is None or cached[0] is not session.get_transaction():
        cached = None
    elif code in cached[1]:
        return cached[1][code]
    digest = rows.digest(session, code)
    if digest is not None:
        memo = cached[1] if cached else {}
        session.info[MEMO] = (session.get_transaction(), {**memo, code: digest})
    return digest


def forget(session: Session) -> None:
    """Clear the transaction's cached digests, after a programme was applied."""
    session.info.pop(MEMO, None)


def get(session: Session, code: str) -> ProgrammeRow:
    """Return the applied programme of a code. Raises NotFound."""
    row = rows.by_code(session, code)
    if row is None:
        raise NotFound("unknown_programme", f"There is no programme {code!r}.")
    return row


def listed(session: Session) -> Sequence[ProgrammeRow]:
    """Return all applied programmes, by code."""
    return rows.listed(session)


def document(row: ProgrammeRow) -> dict[str, Any]:
    """Return an applied programme as JSON."""
    return {
        "code": row.code,
        "version": row.version,
        "applied_at": row.applied_at,
        "applied_by": row.applied_by,
        "document": row.document,
    }
