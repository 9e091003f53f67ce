"""Link tokens are signed for one purpose and expire."""

from datetime import UTC, datetime, timedelta

import pytest

from kontor.kernel.errors import Gone, NotFound
from kontor.kernel.tokens import Tokens

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKENS = Tokens("secret")


def test_token_returns_its_content_until_it_expires() -> None:
    token = TOKENS.make("p", {"a": 1}, NOW + timedelta(hours=1))
    assert TOKENS.read("p", token, NOW) == {"a": 1}
    with pytest.raises(Gone):
        TOKENS.read("p", token, NOW + timedelta(hours=1))
    assert TOKENS.read_expired("p", token) == {"a": 1, "exp": NOW + timedelta(hours=1)}


def test_equal_content_makes_an_equal_url_safe_token() -> None:
    made = {TOKENS.make("p", {"a": "ü/?#"}, NOW) for _ in range(3)}
    assert len(made) == 1
    token = made.pop()
    assert token.isascii()
    assert not set(token) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.parametrize("position", range(0, 80, 7))
def test_changed_character_makes_a_token_unknown(position: int) -> None:
    token = TOKENS.make("p", {"a": 1}, NOW)
    at = position % len(token)
    forged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    with pytest.raises(NotFound):
        TOKENS.read("p", forged, NOW - timedelta(hours=1))


def test_token_of_another_purpose_or_key_is_unknown() -> None:
    token = TOKENS.make("p", {"a": 1}, NOW)
    for reader, purpose in ((TOKENS, "q"), (Tokens("other"), "p")):
        with pytest.raises(NotFound):
            reader.read(purpose, token, NOW)
