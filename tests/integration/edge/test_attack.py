"""The attacks of `python -m tests.attack.edge`, for half a second each."""

from tests.attack.edge import ATTACKS, Result, run
from tests.support.api import Api

SERVED_MS = 2_000.0


def test_another_caller_is_served_during_each_attack(api: Api) -> None:
    results = run(str(api.http.base_url).rstrip("/"), api.key(), None, 0.5)

    assert [result.name for result in results] == list(ATTACKS)
    assert not [str(result) for result in results if result.during > SERVED_MS]


def test_attack_got_through_when_a_bound_is_exceeded() -> None:
    held = [Result("x", 10, 249, 299), Result("x", 100, 499, 299)]
    through = [Result("x", 10, 251, 299), Result("x", 100, 501, 299), Result("x", 10, 10, 301)]

    assert [result.held for result in [*held, *through]] == [True, True, False, False, False]
