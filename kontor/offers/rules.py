"""Life cycle of an offer: states, allowed transitions, expiry on read, why it waits, the event chain."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from kontor.kernel.errors import Conflict
from kontor.kernel.serialization import canonical_json
from kontor.kernel.states import CancelReason, JobState, OfferEvent, OfferState

OFFER_LIFE: Final = timedelta(days=30)
MESSAGE_LIMIT: Final = 4_000


# programme.md 5.3. All other transitions are illegal; a test checks the docs page against this table.
TRANSITIONS: Final[Mapping[tuple[OfferState | None, OfferEvent], OfferState]] = MappingProxyType(
    {
        (None, OfferEvent.SEND): OfferState.WAITING,
        (OfferState.WAITING, OfferEvent.DELIVERED): OfferState.WAITING_FOR_CONFIRMATION,
        (OfferState.WAITING, OfferEvent.WITHDRAW): OfferState.CANCELLED,
        (OfferState.WAITING, OfferEvent.EXPIRE): OfferState.CANCELLED,
        (OfferState.WAITING, OfferEvent.CLOSE_ACCOUNT): OfferState.CANCELLED,
        (OfferState.WAITING, OfferEvent.MOVE_ACCOUNT): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.ACCEPT): OfferState.ACCEPTED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.REJECT): OfferState.REJECTED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.WITHDRAW): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.EXPIRE): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.CLOSE_ACCOUNT): OfferState.CANCELLED,
        (OfferState.WAITING_FOR_CONFIRMATION, OfferEvent.MOVE_ACCOUNT): OfferState.CANCELLED,
    }
)
OPEN_STATES: Final = frozenset({OfferState.WAITING, OfferState.WAITING_FOR_CONFIRMATION})
CANCEL_REASONS: Final[Mapping[OfferEvent, CancelReason]] = MappingProxyType(
    {
        OfferEvent.WITHDRAW: CancelReason.WITHDRAWN,
        OfferEvent.EXPIRE: CancelReason.EXPIRED,
        OfferEvent.CLOSE_ACCOUNT: CancelReason.ACCOUNT_CLOSED,
        OfferEvent.MOVE_ACCOUNT: CancelReason.ACCOUNT_MOVED,
    }
)


class IllegalTransition(Conflict):
    """The offer's state does not allow the event (409 `illegal_transition` with the state)."""

    def __init__(self, state: OfferState | None, event: OfferEvent) -> None:
        current = state.value if state is not None else "new"
        message = f"The offer is {current}: {event.value} is not possible."
        super().__init__("illegal_transition", message, state=current)


def next_state(state: OfferState | None, event: OfferEvent) -> OfferState:
    """Return the state after an event (`None`: no offer yet); raises `IllegalTransition`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def effective_state(state: OfferState, expires_at: datetime, now: datetime) -> OfferState:
    """Return the state that a read sees: an open offer is cancelled from `expires_at` on."""
    if state in OPEN_STATES and now >= expires_at:
        return OfferState.CANCELLED
    return state


def next_effective_state(state: OfferState, event: OfferEvent, *, expires_at: datetime, now: datetime) -> OfferState:
    """Apply `next_state` to the effective state, so that an expired offer accepts only expiry."""
    if event is OfferEvent.EXPIRE:
        if now < expires_at:
            raise IllegalTransition(state, event)
        return next_state(state, event)
    return next_state(effective_state(state, expires_at, now), event)


class WaitReason(StrEnum):
    """Why an offer is not delivered yet.

    given_up: nothing more is tried by itself. suspended: the account or its reseller. paused: by the provider. down:
    the instance does not answer. refused: it turned the last call down. behind: earlier calls to it go first.
    """

    NO_INSTANCE = "no_instance"
    GIVEN_UP = "given_up"
    SUSPENDED = "suspended"
    PAUSED = "paused"
    DOWN = "down"
    REFUSED = "refused"
    BEHIND = "behind"
    UNDER_WAY = "under_way"


@dataclass(frozen=True, slots=True)
class OfferWait:
    """Why an offer waits. `since`: of the trouble; `next_try_at`: None if not known, or none is made by itself.

    `ahead`: calls to the instance that go first, 100 at most; `last_error`: as recorded.
    """

    reason: WaitReason
    since: datetime | None = None
    next_try_at: datetime | None = None
    ahead: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What decides why an offer waits: its delivery job (state None: none), its lane, its queue and both accounts.

    `down_since`, `probe_at`, `down_error`: of a lane that is down.
    """

    id: UUID
    connected: bool
    suspended: bool
    paused: bool
    down: bool
    down_since: datetime | None
    probe_at: datetime | None
    down_error: str | None
    job_state: str | None
    run_at: datetime | None
    error: str | None
    ahead: int


def wait_of(facts: DeliveryFacts, now: datetime) -> OfferWait:
    """Return what stands in the way: first what a person must mend, then what passes by itself."""
    later = facts.job_state in {JobState.RETRYING, JobState.SCHEDULED}
    next_try_at = max(facts.run_at, now) if later and facts.run_at is not None else None
    if not facts.connected:
        return OfferWait(WaitReason.NO_INSTANCE, next_try_at=next_try_at)
    if facts.job_state in {None, JobState.DEAD}:
        return OfferWait(WaitReason.GIVEN_UP, last_error=facts.error)
    if facts.suspended:
        return OfferWait(WaitReason.SUSPENDED, next_try_at=next_try_at)
    if facts.paused:
        return OfferWait(WaitReason.PAUSED)
    if facts.down:
        probe_at = max(facts.probe_at or now, now)
        return OfferWait(WaitReason.DOWN, facts.down_since, probe_at, facts.ahead, facts.down_error)
    if next_try_at is not None:
        return OfferWait(WaitReason.REFUSED, None, next_try_at, facts.ahead, facts.error)
    return OfferWait(WaitReason.BEHIND if facts.ahead else WaitReason.UNDER_WAY, ahead=facts.ahead)


def event_hash(key: bytes, snapshot: Mapping[str, object], previous: str | None, event: Mapping[str, object]) -> str:
    """Return the HMAC-SHA256 (hex) of the snapshot, the previous event's hash and this event."""
    text = canonical_json({"snapshot": snapshot, "previous": previous, "event": event})
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def first_invalid(
    key: bytes,
    snapshot: Mapping[str, object],
    events: Sequence[tuple[Mapping[str, object], str]],
    former: Mapping[str, object] | None = None,
) -> int | None:
    """Return the position of the first (event, hash), oldest first, that does not verify, if any.

    `former`: the snapshot as an earlier release hashes it, of which an event may be, too.
    """
    snapshots = [snapshot] if former is None else [snapshot, former]
    previous: str | None = None
    for position, (event, recorded) in enumerate(events):
        if not any(hmac.compare_digest(event_hash(key, fields, previous, event), recorded) for fields in snapshots):
            return position
        previous = recorded
    return None


def verify_chain(
    key: bytes,
    snapshot: Mapping[str, object],
    events: Sequence[tuple[Mapping[str, object], str]],
    former: Mapping[str, object] | None = None,
) -> bool:
    """Return whether there is at least one event and every hash is correct.

    A truncated chain still verifies: compare its last `to` with the offer's state.
    """
    return bool(events) and first_invalid(key, snapshot, events, former) is None
