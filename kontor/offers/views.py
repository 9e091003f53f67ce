"""Offers as the API, webhooks, instances and pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.kernel.states import CancelReason, OfferEvent, OfferState
from kontor.kernel.zones import zone
from kontor.licences import service as licences
from kontor.licences.rules import Balance, CountChange
from kontor.offers import queries
from kontor.offers.rules import OfferWait, effective_state, wait_of
from kontor.offers.schemas import (
    BriefEvidenceOut,
    EvidenceOut,
    GrantStatusOut,
    OfferDeliveryOut,
    OfferEventOut,
    OfferOut,
    OfferWaitOut,
)
from kontor.provisioning.kept import OPERATOR, RESELLER, shown
from kontor.webhooks.signing import message_body, wire_time
from models.accounts import Account
from models.offers import ChangeJson, GrantState, LineJson, Offer, OfferEventRow


def state_at(offer: Offer, now: datetime) -> OfferState:
    """Return the effective state at `now`: an open offer past its expiry is cancelled."""
    return effective_state(OfferState(offer.state), queries.end_of(offer), now)


def reason_at(offer: Offer, now: datetime) -> str | None:
    """Return the effective reason for cancellation at `now`, if any."""
    expired = state_at(offer, now) is not OfferState(offer.state)
    return CancelReason.EXPIRED.value if expired else offer.reason


def waits_of(session: Session, offers: Sequence[Offer], now: datetime) -> dict[UUID, OfferWait]:
    """Return why offers wait, by id; those that are not `waiting` at `now` are left out."""
    waiting = [offer.id for offer in offers if state_at(offer, now) is OfferState.WAITING]
    return {facts.id: wait_of(facts, now) for facts in queries.delivery_facts(session, waiting)} if waiting else {}


def account_zones(session: Session, offers: Sequence[Offer]) -> dict[UUID, ZoneInfo]:
    """Return the time zones, by account, in which the terms of the offers are counted."""
    ids = list({offer.account_id for offer in offers})
    if len(ids) == 1:  # the account of the page, which its transaction has read already
        return {ids[0]: zone(session.get_one(Account, ids[0]).timezone)}
    return {each: zone(account.timezone) for each, account in queries.accounts(session, ids).items()}


def current_changes(session: Session, offer: Offer, now: datetime) -> tuple[CountChange, ...]:
    """Return the changes an acceptance would make now; for a closed offer, those stored when it was closed."""
    if offer.changes is not None:
        return tuple(CountChange(**change) for change in offer.changes)
    return licences.preview_changes(session, [offer], account_zones(session, [offer]), now)[offer.id]


def freeze_changes(session: Session, offer: Offer, now: datetime) -> None:
    """Store the changes an acceptance would make now; call it before closing the offer."""
    offer.changes = [
        ChangeJson(product=change.product, now=change.now, then=change.then)
        for change in current_changes(session, offer, now)
    ]


def offer_outs(
    session: Session, offers: Sequence[Offer], now: datetime, viewer: Viewer = Viewer.RESELLER
) -> list[OfferOut]:
    """Return the offers as a viewer sees them at `now`, in the order given."""
    open_offers = [offer for offer in offers if offer.changes is None]
    computed = licences.preview_changes(session, open_offers, account_zones(session, open_offers), now)
    events, waits = queries.events(session, [offer.id for offer in offers]), waits_of(session, offers, now)
    return [
        _offer_out(offer, now, computed.get(offer.id, ()), events[offer.id], waits.get(offer.id), viewer)
        for offer in offers
    ]


def offer_out(session: Session, offer: Offer, now: datetime, viewer: Viewer = Viewer.RESELLER) -> OfferOut:
    """Return one offer as a viewer sees it at `now`."""
    return offer_outs(session, [offer], now, viewer)[0]


def _offer_out(
    offer: Offer,
    now: datetime,
    computed: Sequence[CountChange],
    events: Sequence[OfferEventRow],
    wait: OfferWait | None,
    viewer: Viewer,
) -> OfferOut:
    """Take the columns of the same name from the row; compute the rest."""
    computed_fields = {
        "state": state_at(offer, now),
        "reason": reason_at(offer, now),
        "delivery": _delivery_out(offer, wait),
        "grant": GrantStatusOut(state=GrantState(offer.grant_state), last_error=offer.grant_error),
        "changes": offer.changes or computed,
        "events": [_event_out(event, viewer) for event in events],
        "expires_at": offer.open_until or offer.expires_at,
        "metadata": shown(offer.notes, RESELLER if viewer is Viewer.RESELLER else OPERATOR),
    }
    columns = {name: getattr(offer, name) for name in OfferOut.model_fields.keys() - computed_fields.keys()}
    return OfferOut.model_validate(columns | computed_fields)


def _delivery_out(offer: Offer, wait: OfferWait | None) -> OfferDeliveryOut:
    return OfferDeliveryOut(
        attempts=offer.delivery_attempts,
        last_error=offer.delivery_error,
        delivered_at=offer.delivered_at,
        job_id=offer.delivery_job_id,
        wait=None if wait is None else OfferWaitOut(**asdict(wait)),
    )


def _event_out(event: OfferEventRow, viewer: Viewer) -> OfferEventOut:
    return OfferEventOut(
        at=event.at,
        actor=event.actor,
        event=OfferEvent(event.event),
        from_=None if event.from_state is None else OfferState(event.from_state),
        to=OfferState(event.to_state),
        job=event.job_id,
        hash=event.hash,
        evidence=_evidence_out(event, viewer),
    )


def _evidence_out(event: OfferEventRow, viewer: Viewer) -> EvidenceOut | BriefEvidenceOut | None:
    if event.evidence is None:
        return None
    if viewer is Viewer.RESELLER:
        return BriefEvidenceOut(via=str(event.evidence["via"]))
    return EvidenceOut.model_validate(event.evidence)


class OfferPayload(TypedDict):
    """An offer in calls to instances and webhook endpoints, as JSON; times are RFC 3339 in UTC."""

    offer_id: str
    programme: str
    reseller_id: str
    account_id: str
    state: str
    reason: str | None
    message: str | None
    lines: list[LineJson]
    expires_at: str


def event_payload(offer: Offer, now: datetime) -> OfferPayload:
    """Return the data of calls and events about an offer."""
    return {
        "offer_id": str(offer.id),
        "programme": offer.programme,
        "reseller_id": str(offer.reseller_id),
        "account_id": str(offer.account_id),
        "state": state_at(offer, now).value,
        "reason": reason_at(offer, now),
        "message": offer.message,
        "lines": offer.lines,
        "expires_at": wire_time(offer.open_until or offer.expires_at),
    }


@dataclass(frozen=True, slots=True)
class InstanceMessage:
    """A message body and its `webhook-id`."""

    webhook_id: str
    body: bytes


def _body(event_type: str, at: datetime, data: OfferPayload | GrantedPayload) -> bytes:
    """Return the body of a call to an instance, cut as for its client."""
    return message_body(event_type, at, visibility.event_data(event_type, dict(data), Viewer.CLIENT))


def delivered_message(offer: Offer, now: datetime) -> InstanceMessage:
    """Build `offer.delivered`."""
    return InstanceMessage(
        f"offer_{offer.id.hex}_delivered",
        _body("offer.delivered", offer.created_at, event_payload(offer, now)),
    )


def withdrawn_message(session: Session, offer: Offer, now: datetime) -> InstanceMessage:
    """Build `offer.withdrawn`; `data.reason` is the reason."""
    last = queries.last_event(session, offer.id)
    at = last.at if last is not None else now
    return InstanceMessage(f"offer_{offer.id.hex}_withdrawn", _body("offer.withdrawn", at, event_payload(offer, now)))


def granted_message(offer: Offer, licences: Sequence[Balance], now: datetime) -> InstanceMessage:
    """Build `licences.granted` after an acceptance: totals per product as of `now`."""
    data = granted_payload(offer.account_id, licences, now, offer)
    return InstanceMessage(f"licences_{offer.id.hex}_granted", _body("licences.granted", now, data))


def ended_message(account_id: UUID, ends_at: datetime, licences: Sequence[Balance], now: datetime) -> InstanceMessage:
    """Build `licences.granted` after grants ended at `ends_at`."""
    instant = ends_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    data = granted_payload(account_id, licences, now)
    return InstanceMessage(f"licences_{account_id.hex}_ended_{instant}", _body("licences.granted", now, data))


class LicenceTotal(TypedDict):
    """An account's licences of a product; `expires_at` is None when the count is 0."""

    product: str
    count: int
    expires_at: str | None


class GrantedPayload(TypedDict):
    """The data of `licences.granted`, as JSON; `reason` is accepted (then with `offer_id`) or ended."""

    account_id: str
    reason: str
    licences: list[LicenceTotal]
    as_of: str
    offer_id: NotRequired[str]


def granted_payload(
    account_id: UUID, licences: Sequence[Balance], now: datetime, offer: Offer | None = None
) -> GrantedPayload:
    """Return the totals after `offer` was accepted, or after grants ended."""
    payload = GrantedPayload(
        account_id=str(account_id),
        reason="ended" if offer is None else "accepted",
        licences=[_total(balance) for balance in licences],
        as_of=wire_time(now),
    )
    if offer is not None:
        payload["offer_id"] = str(offer.id)
    return payload


def _total(balance: Balance) -> LicenceTotal:
    expires_at = None if balance.expires_at is None else wire_time(balance.expires_at)
    return {"product": balance.product, "count": balance.count, "expires_at": expires_at}
