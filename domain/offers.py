"""The life of an offer: states, the only legal arrows, expiry on read, the event chain."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.canonical import canonical_json
from domain.errors import Conflict

OFFER_LIFE: Final = timedelta(days=30)
MESSAGE_LIMIT: Final = 4_000


class OfferState(StrEnum):
    """Where an offer is; `accepted`, `rejected` and `cancelled` are for ever."""

    WAITING = "waiting"
    WAITING_FOR_CONFIRMATION = "waiting_for_confirmation"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class OfferEvent(StrEnum):
    """What can happen to an offer."""

    SEND = "send"
    DELIVERED = "delivered"
    ACCEPT = "accept"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    CLOSE_ACCOUNT = "close_account"


class CancelReason(StrEnum):
    """Why an offer is cancelled."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ACCOUNT_CLOSED = "account_closed"


# programme.md 5.3. What is not here is illegal; the docs page is checked against it.
TRANSITIONS: Final[Mapping[tuple[OfferState | None, OfferEvent], OfferState]] = MappingProxyType(
    {
        (None, OfferEvent.SEND): OfferState.WAITING,
        (OfferState.WAITING, OfferEvent.DELIVERED): OfferState.WAITING_FOR_CONFIRMATION,
        (OfferState.WAITING, OfferEvent.WITHDRAW): OfferState.CANCELLED,
        (OfferState.WAITING, OfferEvent.EXPIRE): OfferState.CANCELLED,
        (OfferState.WAITING, OfferEvent.CLOSE_ACCOUNT): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.ACCEPT): OfferState.ACCEPTED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.REJECT): OfferState.REJECTED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.WITHDRAW): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.EXPIRE): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.CLOSE_ACCOUNT): OfferState.CANCELLED,
    }
)
OPEN_STATES: Final = frozenset({OfferState.WAITING, OfferState.WAITING_FOR_CONFIRMATION})
CANCEL_REASONS: Final[Mapping[OfferEvent, CancelReason]] = MappingProxyType(
    {
        OfferEvent.WITHDRAW: CancelReason.WITHDRAWN,
        OfferEvent.EXPIRE: CancelReason.EXPIRED,
        OfferEvent.CLOSE_ACCOUNT: CancelReason.ACCOUNT_CLOSED,
    }
)


class IllegalTransition(Conflict):
    """The offer's state has no such arrow (409 `illegal_transition` with the state)."""

    def __init__(self, state: OfferState | None, event: OfferEvent) -> None:
        met = state.value if state is not None else "new"
        super().__init__("illegal_transition", f"The offer is {met}: {event.value} is not possible.", state=met)


def next_state(state: OfferState | None, event: OfferEvent) -> OfferState:
    """Where the arrow leads (`None` = no offer yet); raises `IllegalTransition`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def effective_state(state: OfferState, expires_at: datetime, now: datetime) -> OfferState:
    """The state a read sees: an open offer is cancelled from `expires_at` on."""
    if state in OPEN_STATES and now >= expires_at:
        return OfferState.CANCELLED
    return state


def step(state: OfferState, event: OfferEvent, *, expires_at: datetime, now: datetime) -> OfferState:
    """`next_state` on what a read sees, so that nothing but expiry happens to an expired offer."""
    if event is OfferEvent.EXPIRE:
        if now < expires_at:
            raise IllegalTransition(state, event)
        return next_state(state, event)
    return next_state(effective_state(state, expires_at, now), event)


def event_hash(key: bytes, snapshot: Mapping[str, object], previous: str | None, event: Mapping[str, object]) -> str:
    """HMAC-SHA256 in hex over the snapshot, the previous event's hash and this event."""
    text = canonical_json({"snapshot": snapshot, "previous": previous, "event": event})
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def first_broken(
    key: bytes, snapshot: Mapping[str, object], events: Sequence[tuple[Mapping[str, object], str]]
) -> int | None:
    """The position of the first (event, hash), oldest first, that does not verify."""
    previous: str | None = None
    for position, (event, recorded) in enumerate(events):
        if not hmac.compare_digest(event_hash(key, snapshot, previous, event), recorded):
            return position
        previous = recorded
    return None


def verify_chain(
    key: bytes, snapshot: Mapping[str, object], events: Sequence[tuple[Mapping[str, object], str]]
) -> bool:
    """Whether there is at least one event and every hash is right.

    Events cut off at the end leave no trace in a chain: compare the last `to` with the offer.
    """
    return bool(events) and first_broken(key, snapshot, events) is None
