from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kontor.kernel.serialization import canonical_json
from kontor.kernel.states import OfferEvent, OfferState
from kontor.offers.rules import (
    CANCEL_REASONS,
    MESSAGE_LIMIT,
    OFFER_LIFE,
    OPEN_STATES,
    IllegalTransition,
    effective_state,
    event_hash,
    first_invalid,
    next_effective_state,
    next_state,
    verify_chain,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
SNAPSHOT = {"account": "a", "lines": [{"product": "excel-basics", "count": 5}]}
W, C = OfferState.WAITING, OfferState.WAITING_FOR_CONFIRMATION
ARROWS = {
    (None, "send"): "waiting",
    (W, "delivered"): "waiting_for_confirmation",
    (C, "accept"): "accepted",
    (C, "reject"): "rejected",
    (W, "withdraw"): "cancelled",
    (C, "withdraw"): "cancelled",
    (W, "expire"): "cancelled",
    (C, "expire"): "cancelled",
    (W, "close_account"): "cancelled",
    (W, "move_account"): "cancelled",
    (C, "close_account"): "cancelled",
    (C, "move_account"): "cancelled",
}


@pytest.mark.parametrize("event", list(OfferEvent))
@pytest.mark.parametrize("state", [None, *OfferState])
def test_only_the_documented_transitions_are_legal(state: OfferState | None, event: OfferEvent) -> None:
    if (state, event.value) in ARROWS:
        assert next_state(state, event).value == ARROWS[state, event.value]
    else:
        with pytest.raises(IllegalTransition):
            next_state(state, event)


def test_illegal_transition_carries_the_state() -> None:
    with pytest.raises(IllegalTransition) as caught:
        next_state(OfferState.ACCEPTED, OfferEvent.WITHDRAW)

    assert caught.value.code == "illegal_transition"
    assert caught.value.state == "accepted"


def test_every_transition_to_cancelled_has_its_reason() -> None:
    assert {event.value: reason.value for event, reason in CANCEL_REASONS.items()} == {
        "withdraw": "withdrawn",
        "expire": "expired",
        "close_account": "account_closed",
        "move_account": "account_moved",
    }


def test_offer_lasts_30_days_and_its_message_has_at_most_4000_characters() -> None:
    assert timedelta(days=30) == OFFER_LIFE
    assert MESSAGE_LIMIT == 4000


def test_open_offer_reads_as_cancelled_from_its_expiry() -> None:
    just_before = NOW - timedelta(microseconds=1)

    assert effective_state(C, NOW, just_before) is C
    assert effective_state(C, NOW, NOW) is OfferState.CANCELLED
    assert effective_state(OfferState.ACCEPTED, NOW, NOW) is OfferState.ACCEPTED


def test_expired_offer_cannot_be_accepted_before_its_job_ran() -> None:
    with pytest.raises(IllegalTransition) as caught:
        next_effective_state(C, OfferEvent.ACCEPT, expires_at=NOW, now=NOW)

    assert caught.value.state == "cancelled"


def test_offer_does_not_expire_early() -> None:
    with pytest.raises(IllegalTransition):
        next_effective_state(C, OfferEvent.EXPIRE, expires_at=NOW, now=NOW - timedelta(seconds=1))
    assert next_effective_state(C, OfferEvent.EXPIRE, expires_at=NOW, now=NOW) is OfferState.CANCELLED


def chain(*events: dict[str, object]) -> list[tuple[dict[str, object], str]]:
    rows: list[tuple[dict[str, object], str]] = []
    previous = None
    for event in events:
        previous = event_hash(KEY, SNAPSHOT, previous, event)
        rows.append((event, previous))
    return rows


HISTORY = chain(
    {"at": NOW, "actor": "key:1", "from": None, "to": W, "job": None},
    {"at": NOW + timedelta(seconds=3), "actor": "system", "from": W, "to": C, "job": "j1"},
    {"at": NOW + timedelta(hours=1), "actor": "admin", "from": C, "to": OfferState.ACCEPTED, "job": None},
)


def test_unchanged_chain_verifies() -> None:
    assert verify_chain(KEY, SNAPSHOT, HISTORY)
    assert first_invalid(KEY, SNAPSHOT, HISTORY) is None


def test_offer_without_events_does_not_verify() -> None:
    assert not verify_chain(KEY, SNAPSHOT, [])


@given(st.integers(0, 2), st.sampled_from(["at", "actor", "from", "to", "job"]))
def test_changed_event_is_located(position: int, field: str) -> None:
    changed = [*HISTORY]
    event, digest = changed[position]
    changed[position] = ({**event, field: "forged"}, digest)

    assert first_invalid(KEY, SNAPSHOT, changed) == position


def test_removed_added_or_swapped_event_breaks_the_chain() -> None:
    assert first_invalid(KEY, SNAPSHOT, HISTORY[1:]) == 0
    assert first_invalid(KEY, SNAPSHOT, [*HISTORY, HISTORY[2]]) == 3
    assert first_invalid(KEY, SNAPSHOT, [HISTORY[0], HISTORY[2], HISTORY[1]]) == 1


def test_other_key_or_snapshot_breaks_the_chain() -> None:
    assert not verify_chain(b"other" * 8, SNAPSHOT, HISTORY)
    assert not verify_chain(KEY, {**SNAPSHOT, "account": "b"}, HISTORY)


def test_equal_values_have_one_canonical_text() -> None:
    tokyo = datetime.fromisoformat("2026-03-01T21:00:00+09:00")

    assert canonical_json({"b": (1, None), "a": NOW}) == canonical_json({"a": tokyo, "b": [1, None]})
    assert canonical_json({"q": 'é"'}) == '{"q":"é\\""}'
    for bad in (1.5, datetime.fromisoformat("2026-01-01"), {1: 2}, object()):
        with pytest.raises(TypeError):
            canonical_json(bad)


class OfferMachine(RuleBasedStateMachine):
    """Random events at random times: terminal states stay, and the history follows the transitions."""

    @initialize()
    def send(self) -> None:
        self.now = NOW
        self.expires_at = NOW + OFFER_LIFE
        self.state = next_state(None, OfferEvent.SEND)
        self.path: list[OfferState] = [self.state]

    @rule(by=st.timedeltas(timedelta(0), timedelta(days=20)))
    def wait(self, by: timedelta) -> None:
        self.now += by

    @rule(event=st.sampled_from(OfferEvent))
    def happen(self, event: OfferEvent) -> None:
        before = effective_state(self.state, self.expires_at, self.now)
        met = None
        try:
            self.state = next_effective_state(self.state, event, expires_at=self.expires_at, now=self.now)
        except IllegalTransition as refused:
            met = refused.state
        if met is None:
            assert before in OPEN_STATES or event is OfferEvent.EXPIRE
            self.path.append(self.state)
        else:
            assert met in {before.value, self.state.value}

    @precondition(lambda self: self.state not in OPEN_STATES)
    @rule(event=st.sampled_from(OfferEvent))
    def decided_is_decided(self, event: OfferEvent) -> None:
        with pytest.raises(IllegalTransition):
            next_effective_state(self.state, event, expires_at=self.expires_at, now=self.now)

    @invariant()
    def at_most_delivered_then_decided(self) -> None:
        assert len(self.path) <= 3
        assert self.path[0] is W
        assert all(state in OPEN_STATES for state in self.path[:-1])
        if OfferState.ACCEPTED in self.path or OfferState.REJECTED in self.path:
            assert self.path[1] is C


TestOfferMachine = OfferMachine.TestCase
