"""The layouts of payment services: PayPal, Stripe, and what most others export. No database."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kontor.kernel.errors import Invalid
from kontor.payments.import_layouts import Layout, Role
from kontor.payments.import_presets import ALIASES, BANKS, ONE_C, OWN, meanings

SETTLED: Final = frozenset(
    {
        *("completed", "complete", "succeeded", "success", "successful", "paid", "settled", "available", "captured"),
        *("cleared", "done", "ok", "abgeschlossen", "bezahlt", "gebucht"),
    }
)
PAYPAL_TYPES: Final = meanings(
    transfer=(
        r"withdraw|auszahlung|abbuchung|bank deposit|bankgutschrift|transfer to bank|user initiated transfer"
        r"|ueberweisung als zahlungsquelle"
    ),
    other=r"\bhold\b|einbehaltung|reserve|authori[sz]ation|autorisierung|conversion|umrechnung|fee|gebuehr|entgelt",
    refund=r"refund|rueckzahlung|rueckerstattung|erstattung",
    chargeback=r"chargeback|reversal|rueckbuchung|rueckbelastung|dispute",
    payment=r"payment|zahlung|checkout|sale|donation|spende|kauf",
)
PAYPAL: Final = Layout(
    name="paypal",
    columns={
        Role.DAY: ("date",),
        Role.TIME: ("time",),
        Role.ZONE: ("timezone", "time zone"),
        Role.AMOUNT: ("gross",),
        Role.CURRENCY: ("currency",),
        Role.KIND: ("type", "description"),
        Role.STATUS: ("status",),
        Role.REFERENCE: ("transaction id",),
    },
    signature=frozenset({"date", "time", "currency", "gross", "net", "transaction id"}),
    movements=PAYPAL_TYPES,
    typed=True,
    settled=SETTLED,
    volatile=frozenset({"balance"}),
)
PAYPAL_GERMAN: Final = Layout(
    name="paypal-de",
    columns={
        Role.DAY: ("datum",),
        Role.TIME: ("uhrzeit",),
        Role.ZONE: ("zeitzone",),
        Role.AMOUNT: ("brutto",),
        Role.CURRENCY: ("waehrung",),
        Role.KIND: ("typ", "beschreibung"),
        Role.STATUS: ("status",),
        Role.REFERENCE: ("transaktionscode",),
    },
    signature=frozenset({"datum", "uhrzeit", "zeitzone", "waehrung", "brutto", "netto", "transaktionscode"}),
    movements=PAYPAL_TYPES,
    typed=True,
    settled=SETTLED,
    volatile=frozenset({"guthaben"}),
)
STRIPE_DAYS: Final = ("created_utc", "created (utc)", "created date (utc)", "created")
STRIPE_TYPES: Final = meanings(
    transfer=r"^(?:payout|transfer)(?:_reversal|_failure|_cancel)?$|^payout",
    fee=r"fee$|^network_cost$|^tax$",
    refund=r"^(?:payment_|partial_)?refund$",
    chargeback=r"^(?:dispute|chargeback)$",
    payment=r"^(?:charge|payment)$",
    other=r".",
)
STRIPE: Final = Layout(
    name="stripe",
    columns={
        Role.DAY: STRIPE_DAYS,
        Role.AMOUNT: ("gross",),
        Role.CURRENCY: ("currency",),
        Role.KIND: ("reporting_category", "reporting category"),
        Role.REFERENCE: ("balance_transaction_id", "id"),
    },
    signature=frozenset({"balance_transaction_id", "currency", "gross", "net", "reporting_category"}),
    movements=STRIPE_TYPES,
    typed=True,
)
STRIPE_BALANCE: Final = Layout(
    name="stripe-balance",
    columns={
        Role.DAY: STRIPE_DAYS,
        Role.AMOUNT: ("amount",),
        Role.CURRENCY: ("currency",),
        Role.KIND: ("type",),
        Role.REFERENCE: ("id",),
    },
    signature=frozenset({"id", "type", "source", "amount", "fee", "net", "currency", "created (utc)"}),
    movements=STRIPE_TYPES,
    typed=True,
)
STRIPE_PAYMENTS: Final = Layout(
    name="stripe-payments",
    columns={
        Role.DAY: STRIPE_DAYS,
        Role.AMOUNT: ("amount",),
        Role.REFUNDED: ("amount refunded",),
        Role.CURRENCY: ("currency",),
        Role.STATUS: ("status",),
        Role.REFERENCE: ("id",),
    },
    signature=frozenset({"id", "created date (utc)", "amount", "amount refunded", "currency", "status"}),
    settled=SETTLED,
)
SERVICE_TYPES: Final = meanings(
    transfer=r"payout|withdraw|transfer|settlement|auszahlung",
    fee=r"\bfees?\b|gebuehr|commission",
    chargeback=r"chargeback|dispute|rueckbuchung",
    refund=r"refund|reversal|rueckzahlung|erstattung|возврат",
    payment=r"payment|charge|sale|capture|purchase|zahlung|платеж|платёж|оплата",
    other=r".",
)
SERVICE: Final = Layout(
    name="psp",
    columns={
        Role.DAY: (
            *STRIPE_DAYS, "created at", "created_at", "transaction date", "payment date", "paid at", "datetime",
            "timestamp", "date",
        ),
        Role.TIME: ("time",),
        Role.ZONE: ("timezone", "time zone"),
        Role.AMOUNT: ("gross", "gross amount", "amount"),
        Role.CURRENCY: ("currency",),
        Role.KIND: ("type", "transaction type", "kind", "category"),
        Role.STATUS: ("status", "state"),
        Role.REFERENCE: ("transaction id", "transaction_id", "payment id", "payment_id", "id", "reference"),
    },
    movements=SERVICE_TYPES,
    signed=False,
    typed=True,
    settled=SETTLED,
    repeats=False,
    volatile=frozenset({"balance"}),
)  # fmt: skip
PRESETS: Final = (OWN, *BANKS, PAYPAL, PAYPAL_GERMAN, STRIPE, STRIPE_BALANCE, STRIPE_PAYMENTS)


def is_service(names: frozenset[str]) -> bool:
    """Return whether a header is that of a payment service: a day, a gross amount, a currency and a type."""
    roles = SERVICE.columns
    return all(names & set(roles[role]) for role in (Role.DAY, Role.AMOUNT, Role.CURRENCY, Role.KIND))


NAMED: Final = MappingProxyType({layout.name: layout for layout in (*PRESETS, ONE_C, SERVICE)})


def preset(name: str) -> tuple[Layout, ...]:
    """Return the layouts of a bank or service: `dkb` is also `dkb-old`. Raises Invalid."""
    families = tuple(f"{family}-" for family in ALIASES.get(name, (name,)))
    layouts = tuple(layout for layout in NAMED.values() if f"{layout.name}-".startswith(families))
    if not layouts:
        names = ", ".join(sorted((*NAMED, *ALIASES)))
        raise Invalid("invalid", f"There is no mapping file and no preset {name!r}. Presets: {names}.")
    return layouts
