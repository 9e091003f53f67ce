"""Offer templates: named, reusable lists of lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.ids import new_id
from domain.lines import LineMode, OfferLine, check_lines, unknown_products
from domain.paging import Page, cursor_id, cut
from models.accounts import Account
from models.offers import OfferTemplate
from services import products
from services.offer_log import OfferBook
from services.resellers import reseller
from store import locks
from store import templates as rows

NAME_LIMIT: Final = 200


def create(
    book: OfferBook, session: Session, reseller_id: UUID, name: str, lines: Sequence[Mapping[str, Any]]
) -> OfferTemplate:
    """A new template. Raises NotFound (no such reseller), Invalid, Conflict(`name_taken`)."""
    owner = reseller(session, reseller_id, kept=True)
    template = OfferTemplate(
        id=new_id(),
        reseller_id=owner.id,
        name=_free_name(session, owner.id, name, None),
        lines=line_documents(checked_lines(book, session, owner, lines)),
        created_at=book.now,
        updated_at=book.now,
    )
    session.add(template)
    session.flush()
    return template


def change(
    book: OfferBook, session: Session, template_id: UUID, name: str, lines: Sequence[Mapping[str, Any]]
) -> OfferTemplate:
    """Replace name and lines; offers already sent keep theirs. Raises as `create` does."""
    template = get(session, template_id, lock=True)
    owner = reseller(session, template.reseller_id)
    template.name = _free_name(session, owner.id, name, template.id)
    template.lines = line_documents(checked_lines(book, session, owner, lines))
    template.updated_at = book.now
    session.flush()
    return template


def get(session: Session, template_id: UUID, *, lock: bool = False) -> OfferTemplate:
    """One template. Raises NotFound."""
    template = rows.get(session, template_id, lock=lock)
    if template is None:
        raise NotFound
    return template


def listed(
    session: Session, *, reseller_id: UUID | None = None, cursor: str | None = None, limit: int = 100
) -> Page[OfferTemplate]:
    """Templates, newest first."""
    found = rows.listed(session, reseller_id, cursor_id(cursor), limit + 1)
    return cut(found, limit, lambda template: str(template.id))


def delete(session: Session, template_id: UUID) -> None:
    """Remove a template. Raises NotFound."""
    rows.delete(session, get(session, template_id, lock=True))


def document(template: OfferTemplate) -> dict[str, Any]:
    """The contract's shape."""
    return {
        "id": template.id,
        "reseller_id": template.reseller_id,
        "name": template.name,
        "lines": template.lines,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def checked_lines(
    book: OfferBook, session: Session, owner: Account, lines: Sequence[Mapping[str, Any]]
) -> tuple[OfferLine, ...]:
    """Lines that a reseller may sell. Raises Invalid (`unknown_product` when that is the matter)."""
    read = tuple(_read(index, line) for index, line in enumerate(lines))
    known = products.visible(book.programmes.current(session, owner.programme), owner)
    errors = check_lines(read, known)
    if errors:
        unknown = unknown_products(read, known)
        code = "unknown_product" if unknown else "invalid"
        message = f"No such product: {', '.join(unknown)}." if unknown else "The lines are not valid."
        raise Invalid(code, message, errors=errors)
    return read


def line_documents(lines: Sequence[OfferLine]) -> list[dict[str, object]]:
    """Lines as they are stored and shown."""
    return [line.to_document() for line in lines]


def _read(index: int, line: Mapping[str, Any]) -> OfferLine:
    count, mode = line.get("count"), line.get("mode")
    if isinstance(count, bool) or not isinstance(count, int):
        raise _bad_line(index, "count", "a count is a whole number")
    if mode not in list(LineMode):
        raise _bad_line(index, "mode", "absolute or relative")
    return OfferLine(str(line.get("product", "")), count, LineMode(str(mode)), str(line.get("term", "")))


def _bad_line(index: int, field: str, msg: str) -> Invalid:
    return Invalid("invalid", "The lines are not valid.", errors=[FieldError(f"lines.{index}.{field}", msg)])


def _free_name(session: Session, reseller_id: UUID, name: str, own: UUID | None) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable():
        message = f"A name is 1 to {NAME_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    locks.hold(session, f"templates:{reseller_id}")
    holder = rows.by_name(session, reseller_id, name)
    if holder is not None and holder.id != own:
        raise Conflict("name_taken", f"There is a template called {name!r} already.")
    return name
