"""An operator's form that records a payment of a reseller, with what it comes to shown first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from kontor.accounts import service as accounts
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.money import AllowedSign, parse_money
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import local_day, parse_day, parse_time
from kontor.payments import service
from kontor.payments.service import NewPayment, PostedPayment
from kontor.programme.model import Programme
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm

BASE_PATH: Final = "/console/payments"


def _programme(request: ConsoleRequest) -> Programme:
    return service.programme_of(request.context, request.session, request.incoming.uuid("reseller_id"))


def _fields(request: ConsoleRequest) -> Sequence[FormField]:
    programme = _programme(request)
    today = local_day(request.now, programme.zone).isoformat()
    return (
        FormField("amount", f"Amount in {programme.currency}", hint="Positive, also for a refund."),
        FormField("kind", "Kind", options=[(kind.value, kind.value) for kind in PaymentKind]),
        FormField("paid_at", "Day or time of payment", value=today, hint=f"A day of {programme.timezone}, or a time."),
        FormField("reference", "Reference", hint="Entered once: the same reference never counts twice."),
    )


def _new(request: ConsoleRequest) -> NewPayment:
    form, programme = request.incoming.form, _programme(request)
    if form.get("kind") not in set(PaymentKind):
        raise Invalid(errors=[FieldError("kind", "Choose a kind.")])
    money = parse_money(form["amount"].strip(), programme.currency, AllowedSign.POSITIVE)
    return NewPayment(PaymentKind(form["kind"]), money, _paid_at(request, programme), form["reference"])


def _paid_at(request: ConsoleRequest, programme: Programme) -> datetime:
    """Return the instant that was typed; of a day its noon, of today now. Raises Invalid."""
    text = request.incoming.form["paid_at"].strip()
    try:
        if len(text) > len("2026-01-31"):
            at = parse_time(text)
            return at if at.utcoffset() is not None else at.replace(tzinfo=programme.zone)
        day = parse_day(text)
    except ValueError as error:
        raise Invalid(errors=[FieldError("paid_at", f"{error}.")]) from None
    noon = datetime.combine(day, time(12), programme.zone).astimezone(UTC)
    return min(noon, request.now) if day == local_day(request.now, programme.zone) else noon


def _post(request: ConsoleRequest) -> PostedPayment:
    """Post the payment. Raises Invalid for a reference that was used for another one."""
    new, reseller_id = _new(request), request.incoming.uuid("reseller_id")
    posted = service.post(request.context, request.session, reseller_id, new)
    if posted.differs:
        message = f"This reference was used for another payment; it differs in {', '.join(posted.differs)}."
        raise Invalid(errors=[FieldError("reference", message)])
    return posted


def _preview(request: ConsoleRequest) -> Sequence[str]:
    """Say what the payment comes to. Raises as `service.post`."""
    posted, programme = _post(request), _programme(request)
    row = posted.row
    name = accounts.get(request.session, row.reseller_id).name
    day = local_day(row.paid_at, programme.zone)
    amount = formatting.money(str(row.amount), row.currency)
    before = [] if posted.created else ["It was entered before; nothing would change."]
    return [f"{row.kind.capitalize()} of {amount}, which counts for {name} on {day}.", *before]


def _perform(request: ConsoleRequest, _reason: str) -> FormResult:
    posted = _post(request)
    return FormResult(f"{BASE_PATH}/{posted.row.id}?done={'payment' if posted.created else 'payment-known'}")


RECORD: Final = OperatorForm(
    "/console/resellers/{reseller_id}/payments/new",
    "payment.record",
    "Record a payment",
    "Record",
    _fields,
    _perform,
    "/console/accounts/{reseller_id}",
    preview=_preview,
)
