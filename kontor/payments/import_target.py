"""Whose payments a file has: one reseller's, or those of the resellers that its rows name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import external_ids
from kontor.context import Context
from kontor.kernel.errors import Invalid
from kontor.payments.import_layouts import Role, RowFields
from kontor.payments.import_rows import Reseller
from kontor.payments.service import receiver_of
from kontor.programme.model import Programme

NAMES_NOBODY: Final = "the row names no reseller"


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The programme of an import; `reseller_id`: whose payments all rows are, None when each names its own."""

    code: str
    programme: Programme
    reseller_id: UUID | None
    reseller: Reseller


@dataclass(frozen=True, slots=True)
class NamedResellers:
    """Finds the reseller that a row names by its `external_id`, without case: in a column, or in any text by a pattern.

    What the pattern finds has to be a word: `R-1` is not in `R-17`.
    """

    ids: Mapping[str, tuple[UUID, ...]]
    pattern: re.Pattern[str] | None
    programme: str = ""

    def __call__(self, fields: RowFields) -> UUID | str:
        """Return the reseller, or why there is none."""
        if fields.values.get(Role.RESELLER):
            words = {fields.values[Role.RESELLER]}
        else:
            words = {word for text in fields.texts for word in self.words(text)}
        accounts = {account for word in words for account in self.ids.get(word.casefold(), ())}
        if len(accounts) == 1:
            return accounts.pop()
        if accounts:
            return f"the row names {len(accounts)} resellers: {', '.join(sorted(words))}"
        if words:
            return f"no reseller of {self.programme} has the external_id {', '.join(sorted(words))}"
        return NAMES_NOBODY

    def words(self, text: str) -> set[str]:
        """Return what the pattern finds in a text."""
        if self.pattern is None:
            return set()
        return {whole(match) for match in self.pattern.finditer(text) if is_word(match)}


def whole(match: re.Match[str]) -> str:
    """Return the first group of a match, or all of it."""
    return (match[1] if match.re.groups and match[1] else match[0]).strip()


def is_word(match: re.Match[str]) -> bool:
    """Return whether no letter or digit goes on before or after a match."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return (
        bool(match[0].strip())
        and not (before.isalnum() and match[0][0].isalnum())
        and not (after.isalnum() and match[0][-1].isalnum())
    )


def of_reseller(ctx: Context, session: Session, reseller_id: UUID) -> ImportTarget:
    """Return the target of a file of one reseller, also a former one. Raises NotFound, Conflict(`not_a_reseller`)."""
    code = receiver_of(session, reseller_id).origin.programme
    return ImportTarget(code, ctx.programme(session, code), reseller_id, lambda _: reseller_id)


def of_programme(ctx: Context, session: Session, code: str, match: str | None) -> ImportTarget:
    """Return the target of a file of many resellers. Raises Invalid(`unknown_programme`), Invalid on a bad pattern."""
    programme = ctx.programme(session, code)
    try:
        pattern = re.compile(match, re.IGNORECASE) if match is not None else None
    except re.error as error:
        raise Invalid("invalid", f"--match {match!r} is not a regular expression: {error}.") from None
    return ImportTarget(code, programme, None, NamedResellers(external_ids.of_programme(session, code), pattern, code))
