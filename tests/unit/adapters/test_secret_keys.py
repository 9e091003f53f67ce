"""SECRET_KEY lists keys, newest first."""

from datetime import UTC, datetime

import pytest

from kontor.adapters.secret_keys import check_secret_keys, fingerprint, listed_keys, new_secret_key
from kontor.kernel.errors import NotFound
from kontor.kernel.tokens import Tokens

NEWEST = "the newest key 0123456789 and more"
FORMER = "x" * 16
NOW = datetime(2026, 3, 2, tzinfo=UTC)
NEVER = datetime(2036, 3, 2, tzinfo=UTC)


def test_keys_are_listed_newest_first() -> None:
    assert listed_keys(f"{NEWEST}, {FORMER}") == (NEWEST, FORMER)


def test_former_key_may_be_as_weak_as_earlier_releases_allowed() -> None:
    assert check_secret_keys(f"{NEWEST},{FORMER}")


@pytest.mark.parametrize("text", ["", FORMER, "a" * 64, "abcdefghi" * 8, f"{FORMER},{NEWEST}", f"{NEWEST},"])
def test_weak_key_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"kontor secrets new|newest first") as refused:
        check_secret_keys(text)
    assert not text or text not in str(refused.value)


def test_new_key_is_accepted_and_never_repeated() -> None:
    first, second = new_secret_key(), new_secret_key()
    assert first != second
    assert listed_keys(check_secret_keys(first)) == (first,)
    assert fingerprint(first) != fingerprint(second)
    assert first not in fingerprint(first)


def test_link_signed_with_a_former_key_holds_until_the_key_leaves_the_list() -> None:
    link = Tokens(FORMER).make("p", {"a": 1}, NEVER)
    assert Tokens(NEWEST, (FORMER,)).read("p", link, NOW) == {"a": 1}
    with pytest.raises(NotFound):
        Tokens(NEWEST).read("p", link, NOW)


def test_links_are_signed_with_the_newest_key() -> None:
    link = Tokens(NEWEST, (FORMER,)).make("p", {"a": 1}, NEVER)
    assert Tokens(NEWEST).read("p", link, NOW) == {"a": 1}
