"""Statements in the text format 1CClientBankExchange: keys with values, a section for each document. No database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kontor.payments.import_layouts import Movement, Role, RowFields
from kontor.payments.import_records import Lines
from kontor.payments.import_values import currency_code

FIRST_LINE: Final = "1CClientBankExchange"
BEGIN, END = "СекцияДокумент", "КонецДокумента"
ACCOUNT: Final = "РасчСчет"
PAYER, PAYEE = "ПлательщикСчет", "ПолучательСчет"
RECEIVED, SPENT = "ДатаПоступило", "ДатаСписано"
LONGEST_DOCUMENT: Final = 500
"""Lines of one document; a longer one was never closed."""


@dataclass(slots=True)
class OneCStatement:
    """A statement as far as it was read: the own accounts, and the document that is open."""

    accounts: set[str] = field(default_factory=set)
    line: int = 0
    document: list[tuple[str, str]] = field(default_factory=list)

    def fields(self) -> RowFields:
        """Return the open document as a row of a statement of the own account."""
        values = dict(self.document)
        texts = tuple(value for _, value in self.document if value)
        payer, payee = values.get(PAYER, "") in self.accounts, values.get(PAYEE, "") in self.accounts
        if payer and payee:
            return RowFields(self.line, texts=texts, skipped=Movement.TRANSFER.value)
        if payer == payee:
            payer, payee = bool(values.get(SPENT)), bool(values.get(RECEIVED))
        if payer == payee:
            problem = f"neither {PAYER} nor {PAYEE} is an account of this statement"
            return RowFields(self.line, texts=texts, problem=problem)
        day = values.get(RECEIVED if payee else SPENT, "")
        if not day:
            return RowFields(self.line, texts=texts, problem=f"not booked: {RECEIVED if payee else SPENT} is empty")
        account = values.get(PAYEE if payee else PAYER, "")
        cells = {Role.DAY: day, Role.AMOUNT: ("" if payee else "-") + values.get("Сумма", "")}
        return RowFields(self.line, cells | {Role.CURRENCY: currency_code(account[5:8])}, texts)


def documents(lines: Lines) -> Iterator[RowFields]:
    """Yield each document of a statement."""
    statement = OneCStatement()
    while (line := lines.next_line()) is not None:
        key, _, value = line.strip().partition("=")
        if key == BEGIN or (statement.line and lines.number - statement.line > LONGEST_DOCUMENT):
            if statement.line:
                yield unclosed(statement.line)
            statement.line, statement.document = (lines.number if key == BEGIN else 0), []
        elif key == END and statement.line:
            yield statement.fields()
            statement.line = 0
        elif statement.line:
            statement.document.append((key, value.strip()))
        elif key == ACCOUNT and value.strip():
            statement.accounts.add(value.strip())
    if statement.line:
        yield unclosed(statement.line)


def unclosed(line: int) -> RowFields:
    """Return a document that has no end."""
    return RowFields(line, problem=f"the document has no {END}: the file is cut off")
