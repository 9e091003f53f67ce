"""Offer templates: named, reusable lists of lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import count
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import require_reseller
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.paging import Page
from kontor.kernel.serialization import canonical_json
from kontor.kernel.states import LineMode
from kontor.licences.rules import LINES_LIMIT, OfferLine, line_errors, term_errors, unknown_products
from kontor.offers import queries
from kontor.programme import service as programme
from models.accounts import Account
from models.offers import LineJson, OfferTemplate

NAME_LIMIT: Final = 200


def create(
    ctx: Context, session: Session, reseller_id: UUID, name: str, lines: Sequence[Mapping[str, object]]
) -> OfferTemplate:
    """Create a template. Raises NotFound (no such reseller), Invalid, Conflict(`name_taken`)."""
    owner = require_reseller(session, reseller_id, lock=True)
    template = OfferTemplate(
        id=new_id(),
        reseller_id=owner.id,
        name=_validate_name(session, owner.id, name, None),
        lines=lines_to_json(_lines(ctx, session, owner, lines)),
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    session.add(template)
    session.flush()
    return template


def change(
    ctx: Context, session: Session, template_id: UUID, name: str, lines: Sequence[Mapping[str, object]]
) -> OfferTemplate:
    """Replace name and lines; offers already sent keep their lines. Raises as `create` does."""
    template = get(session, template_id, lock=True)
    owner = require_reseller(session, template.reseller_id)
    template.name = _validate_name(session, owner.id, name, template.id)
    template.lines = lines_to_json(_lines(ctx, session, owner, lines))
    template.updated_at = ctx.now
    session.flush()
    return template


def rename(ctx: Context, session: Session, template_id: UUID, name: str, seen: str | None = None) -> OfferTemplate:
    """Give a template another name. `seen`: the name it had when that was asked, None for any.

    Raises NotFound, Invalid, Conflict(`name_taken`, `template_changed`).
    """
    template = get(session, template_id, lock=True)
    if seen is not None and seen != template.name:
        raise Conflict("template_changed", f"The template is called {template.name!r} by now.", name=template.name)
    template.name, template.updated_at = _validate_name(session, template.reseller_id, name, template.id), ctx.now
    session.flush()
    return template


def copy(ctx: Context, session: Session, template_id: UUID, name: str) -> OfferTemplate:
    """Make a template with the lines of another. Raises NotFound, Invalid, Conflict(`name_taken`)."""
    template = get(session, template_id)
    made = create(ctx, session, template.reseller_id, name, [])
    made.lines = list(template.lines)
    session.flush()
    return made


def free_name(session: Session, template: OfferTemplate) -> str:
    """Return a name for a copy that no template of the reseller has: `Office (2)`."""
    stem = template.name[: NAME_LIMIT - 6]
    taken = queries.names_from(session, template.reseller_id, stem)
    return next(name for number in count(2) if (name := f"{stem} ({number})") not in taken)


def line_key(line: Mapping[str, object]) -> str:
    """Return a digest of a line's content: who changes it proves by it what was read."""
    return sha256(canonical_json(dict(line)).encode()).hexdigest()[:16]


def add_line(ctx: Context, session: Session, template_id: UUID, line: Mapping[str, object]) -> OfferTemplate:
    """Add a line, in place of that product's. Raises NotFound, Invalid(`unknown_product`, `invalid`)."""
    template = get(session, template_id, lock=True)
    kept = [each for each in template.lines if each["product"] != line.get("product")]
    return _replace(ctx, session, template, kept, line)


def append_line(ctx: Context, session: Session, template_id: UUID, line: Mapping[str, object]) -> OfferTemplate:
    """Add a line to the others, once: one that is there as it is stays alone. Raises as `add_line` does."""
    template = get(session, template_id, lock=True)
    kept = [each for each in template.lines if line_key(each) != line_key(line)]
    return template if len(kept) < len(template.lines) else _replace(ctx, session, template, kept, line)


def change_line(
    ctx: Context, session: Session, template_id: UUID, key: str, changes: Mapping[str, object]
) -> OfferTemplate:
    """Change the line that had a key when it was read. Raises NotFound, Invalid, Conflict(`line_changed`)."""
    template = get(session, template_id, lock=True)
    number = _number(template, key)
    before, after = template.lines[:number], template.lines[number + 1 :]
    return _replace(ctx, session, template, before, {**template.lines[number], **changes}, after)


def drop_line(ctx: Context, session: Session, template_id: UUID, key: str) -> OfferTemplate:
    """Remove the line that had a key when it was read. Raises NotFound, Conflict(`line_changed`)."""
    template = get(session, template_id, lock=True)
    number = _number(template, key)
    template.lines, template.updated_at = [*template.lines[:number], *template.lines[number + 1 :]], ctx.now
    session.flush()
    return template


def _number(template: OfferTemplate, key: str) -> int:
    """Return the position of the line with a key. Raises Conflict(`line_changed`)."""
    keys = [line_key(line) for line in template.lines]
    if key not in keys:
        raise Conflict("line_changed", "The line was changed or removed after it was read; nothing was changed.")
    return keys.index(key)


def _replace(
    ctx: Context,
    session: Session,
    template: OfferTemplate,
    before: Sequence[LineJson],
    line: Mapping[str, object],
    after: Sequence[LineJson] = (),
) -> OfferTemplate:
    """Store a valid line among the others, which stay as they are. Raises Invalid."""
    owner = require_reseller(session, template.reseller_id)
    lines = [*before, *lines_to_json(validate_lines(ctx, session, owner, [line])), *after]
    if len(lines) > LINES_LIMIT:
        message = f"A template has at most {LINES_LIMIT} lines."
        raise Invalid("invalid", message, errors=[FieldError("lines", message)])
    template.lines, template.updated_at = lines, ctx.now
    session.flush()
    return template


def remove_line(ctx: Context, session: Session, template_id: UUID, product: str) -> OfferTemplate:
    """Remove the line of a product. Raises NotFound(`unknown_line`)."""
    template = get(session, template_id, lock=True)
    kept = [each for each in template.lines if each["product"] != product]
    if len(kept) == len(template.lines):
        raise NotFound("unknown_line", "The template has no line of that product.")
    template.lines, template.updated_at = kept, ctx.now
    session.flush()
    return template


def get(session: Session, template_id: UUID, *, lock: bool = False) -> OfferTemplate:
    """Return one template. Raises NotFound."""
    template = queries.get_template(session, template_id, lock=lock)
    if template is None:
        raise NotFound
    return template


def list_templates(
    session: Session, *, reseller_id: UUID | None = None, cursor: str | None = None, limit: int = 100
) -> Page[OfferTemplate]:
    """Return templates, newest first."""
    return queries.list_templates(session, reseller_id, cursor, limit)


def delete(session: Session, template_id: UUID) -> None:
    """Delete a template. Raises NotFound."""
    queries.delete(session, get(session, template_id, lock=True))


def _lines(
    ctx: Context, session: Session, owner: Account, lines: Sequence[Mapping[str, object]]
) -> tuple[OfferLine, ...]:
    """Validate the lines of a template, which may have none yet: it is named first and filled afterwards."""
    return validate_lines(ctx, session, owner, lines) if lines else ()


def validate_lines(
    ctx: Context, session: Session, owner: Account, lines: Sequence[Mapping[str, object]]
) -> tuple[OfferLine, ...]:
    """Validate lines against the products a reseller may sell. Raises Invalid(`unknown_product`, `invalid`)."""
    parsed = tuple(_parse_line(index, line) for index, line in enumerate(lines))
    sellable = programme.visible(ctx.programmes.current(session, owner.programme), owner)
    errors = line_errors(parsed, sellable)
    errors = errors or term_errors(parsed, {code: product.terms for code, product in sellable.items()})
    if errors:
        unknown = unknown_products(parsed, sellable)
        code = "unknown_product" if unknown else "invalid"
        message = f"No such product: {', '.join(unknown)}." if unknown else "The lines are not valid."
        raise Invalid(code, message, errors=errors)
    return parsed


def lines_to_json(lines: Sequence[OfferLine]) -> list[LineJson]:
    """Return lines in their stored shape."""
    return [LineJson(product=line.product, count=line.count, mode=line.mode, term=line.term) for line in lines]


def _parse_line(index: int, line: Mapping[str, object]) -> OfferLine:
    count, mode = line.get("count"), line.get("mode")
    if isinstance(count, bool) or not isinstance(count, int):
        raise _invalid_line(index, "count", "must be a whole number")
    if mode not in list(LineMode):
        raise _invalid_line(index, "mode", "must be absolute or relative")
    return OfferLine(str(line.get("product", "")), count, LineMode(str(mode)), str(line.get("term", "")))


def _invalid_line(index: int, field: str, message: str) -> Invalid:
    return Invalid("invalid", "The lines are not valid.", errors=[FieldError(f"lines.{index}.{field}", message)])


def _validate_name(session: Session, reseller_id: UUID, name: str, template_id: UUID | None) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable():
        message = f"A name is 1 to {NAME_LIMIT} printable characters."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    database.lock_names(session, f"templates:{reseller_id}")
    existing = queries.by_name(session, reseller_id, name)
    if existing is not None and existing.id != template_id:
        raise Conflict("name_taken", f"A template named {name!r} already exists.")
    return name
