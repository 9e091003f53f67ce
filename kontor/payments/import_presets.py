"""The layouts of banks and payment services, as their exports have them. No database.

Names are folded (`import_layouts.fold`). The layouts were taken from the banks' own help pages and from what public
importers expect; each has a test file.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from kontor.payments.import_layouts import Layout, Movement, Role
from kontor.payments.import_values import NumberStyle

COMMA: Final = NumberStyle(",")
ROUNDED: Final = NumberStyle(",", grouped=True)
"""Zeros after the comma are left out: `1.000` is a thousand."""


def meanings(**patterns: str) -> tuple[tuple[re.Pattern[str], Movement], ...]:
    """Return compiled patterns by the name of their movement, in order."""
    return tuple((re.compile(pattern), Movement[name.upper()]) for name, pattern in patterns.items())


BANK: Final = meanings(
    bank_fee=r"entgelt|gebuehr|zinsen|abschluss|kontofuehrung|\bprovision",
    chargeback=r"ruecklast|rueckbelast|lastschriftrueck",
    refund=r"rueckueberw|rueckzahlung|retoure",
)
OWN: Final = Layout(
    name="kontor",
    columns={role: (role.value,) for role in (Role.DAY, Role.AMOUNT, Role.REFERENCE, Role.KIND, Role.CURRENCY)}
    | {Role.RESELLER: ("reseller",)},
    signature=frozenset({"amount", "paid_at"}),
    movements=meanings(payment=r"^payment$", refund=r"^refund$", chargeback=r"^chargeback$", other=r"."),
    signed=False,
    skips_zero=False,
    repeats=False,
)
COMMERZBANK: Final = Layout(
    name="commerzbank",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("wertstellung",),
        Role.AMOUNT: ("betrag",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("umsatzart",),
        Role.REFERENCE: ("buchungstext",),
    },
    signature=frozenset({"buchungstag", "wertstellung", "umsatzart", "buchungstext", "betrag", "waehrung"}),
    number=COMMA,
    movements=BANK,
    reference_in=re.compile(r"End-to-End-Ref\.:\s*(\S+)"),
    volatile=frozenset({"kategorie"}),
)
DKB: Final = Layout(
    name="dkb",
    columns={
        Role.DAY: ("buchungsdatum",),
        Role.VALUE_DAY: ("wertstellung",),
        Role.AMOUNT: ("betrag (€)",),
        Role.STATUS: ("status",),
        Role.REFERENCE: ("kundenreferenz",),
    },
    signature=frozenset({"buchungsdatum", "wertstellung", "status", "verwendungszweck", "betrag (€)"}),
    currency="EUR",
    number=ROUNDED,
    settled=frozenset({"gebucht"}),
)
DKB_OLD: Final = Layout(
    name="dkb-old",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("wertstellung",),
        Role.AMOUNT: ("betrag (eur)",),
        Role.KIND: ("buchungstext",),
        Role.REFERENCE: ("kundenreferenz",),
    },
    signature=frozenset({"buchungstag", "wertstellung", "buchungstext", "verwendungszweck", "betrag (eur)"}),
    currency="EUR",
    number=COMMA,
    movements=BANK,
)
VOLKSBANK: Final = Layout(
    name="volksbank",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("valutadatum",),
        Role.AMOUNT: ("betrag",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("buchungstext",),
        Role.REFERENCE: ("verwendungszweck",),
    },
    signature=frozenset(
        {"bezeichnung auftragskonto", "iban auftragskonto", "buchungstag", "valutadatum", "verwendungszweck", "betrag"}
    ),
    number=COMMA,
    movements=BANK,
    reference_in=re.compile(r"\bEREF:\s*(\S+)"),
    volatile=frozenset({"saldo nach buchung", "bemerkung", "kategorie", "steuerrelevant", "gekennzeichneter umsatz"}),
)
VOLKSBANK_OLD: Final = Layout(
    name="volksbank-old",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("valuta",),
        Role.AMOUNT: ("umsatz",),
        Role.SIDE: ("",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("vorgang/verwendungszweck",),
        Role.REFERENCE: ("kundenreferenz",),
    },
    signature=frozenset({"buchungstag", "valuta", "vorgang/verwendungszweck", "waehrung", "umsatz", ""}),
    number=COMMA,
    movements=BANK,
    footers=frozenset({"anfangssaldo", "endsaldo"}),
)
SPARDA_OLD: Final = Layout(
    name="sparda-old",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("wertstellungstag",),
        Role.AMOUNT: ("umsatz",),
        Role.CURRENCY: ("waehrung",),
    },
    signature=frozenset({"buchungstag", "wertstellungstag", "verwendungszweck", "umsatz", "waehrung"}),
    number=COMMA,
    footers=frozenset({"* noch nicht ausgefuehrte umsaetze"}),
)
ING: Final = Layout(
    name="ing",
    columns={
        Role.DAY: ("buchung",),
        Role.VALUE_DAY: ("wertstellungsdatum", "valuta"),
        Role.AMOUNT: ("betrag",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("buchungstext",),
    },
    signature=frozenset(
        {"buchung", "auftraggeber/empfaenger", "buchungstext", "verwendungszweck", "betrag", "waehrung"}
    ),
    number=COMMA,
    movements=BANK,
    volatile=frozenset({"saldo", "kategorie", "notiz"}),
)
SPARKASSE: Final = Layout(
    name="sparkasse",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("valutadatum",),
        Role.AMOUNT: ("betrag",),
        Role.ORIGINAL: ("lastschrift ursprungsbetrag",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("buchungstext",),
        Role.STATUS: ("info",),
        Role.REFERENCE: ("kundenreferenz (end-to-end)",),
    },
    signature=frozenset(
        {"auftragskonto", "buchungstag", "valutadatum", "kundenreferenz (end-to-end)", "betrag", "info"}
    ),
    number=COMMA,
    movements=BANK,
    settled=frozenset({"umsatz gebucht"}),
    volatile=frozenset({"kategorie"}),
)
SPARKASSE_MT940: Final = Layout(
    name="sparkasse-mt940",
    columns={**SPARKASSE.columns, Role.REFERENCE: ("verwendungszweck",)},
    signature=frozenset({"auftragskonto", "buchungstag", "valutadatum", "verwendungszweck", "betrag", "info"}),
    number=COMMA,
    movements=BANK,
    settled=SPARKASSE.settled,
    reference_in=re.compile(r"EREF\+(.+?)(?=(?:KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE)\+|$)"),
    volatile=SPARKASSE.volatile,
)
TARGOBANK: Final = Layout(
    name="targobank",
    columns={Role.DAY: ("day",), Role.DEBIT: ("debit",), Role.CREDIT: ("credit",), Role.KIND: ("text",)},
    currency="EUR",
    movements=BANK,
    header=("day", "text", "debit", "credit", "", "", "iban"),
    first_row=re.compile(r"\s*\d{2}\.\d{2}\.\d{4};[^;]*;[^;]*;[^;]*;;;'[A-Z]{2}\d{2}[0-9A-Z ]*'\s*"),
)
POSTBANK: Final = Layout(
    name="postbank",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("wert",),
        Role.AMOUNT: ("betrag",),
        Role.DEBIT: ("soll",),
        Role.CREDIT: ("haben",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("umsatzart",),
        Role.REFERENCE: ("kundenreferenz",),
    },
    signature=frozenset({"buchungstag", "wert", "umsatzart", "verwendungszweck", "soll", "haben", "waehrung"}),
    number=ROUNDED,
    movements=BANK,
    footers=frozenset({"kontostand"}),
)
COMDIRECT: Final = Layout(
    name="comdirect",
    columns={
        Role.DAY: ("buchungstag",),
        Role.VALUE_DAY: ("wertstellung (valuta)",),
        Role.AMOUNT: ("umsatz in eur",),
        Role.KIND: ("vorgang",),
        Role.REFERENCE: ("buchungstext",),
    },
    signature=frozenset({"buchungstag", "wertstellung (valuta)", "vorgang", "buchungstext", "umsatz in eur"}),
    currency="EUR",
    number=COMMA,
    movements=BANK,
    reference_in=re.compile(r"\bRef\.\s*(\S+)\s*$"),
)
ONE_C: Final = Layout(name="1c", columns={}, currency="RUB", number=NumberStyle("."), skips_zero=False)
BANKS: Final = (
    COMMERZBANK, DKB, DKB_OLD, VOLKSBANK, VOLKSBANK_OLD, SPARDA_OLD, ING, SPARKASSE, SPARKASSE_MT940, TARGOBANK,
    POSTBANK, COMDIRECT,
)  # fmt: skip
ALIASES: Final = MappingProxyType(
    {"gls": ("volksbank",), "vr": ("volksbank",), "psd": ("volksbank",), "sparda": ("volksbank", "sparda")}
)
"""Banks that share a layout with others."""
