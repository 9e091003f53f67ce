"""Names that people take for each other share a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.looks import looks_key
from kontor.kernel.validation import name_key


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Acrne", "Acme"),
        ("Ma1er", "Maler"),
        ("\u041aontor", "Kontor"),
        ("\u0412\u041c\u0422", "bmt"),
        ("\u0432\u043c\u0442", "BMT"),
        ("Ac\u200dme", "Acme"),
        ("\uff21cme", "Acme"),
        ("\u0410cme", "Acme"),
        ("P0ST", "Post"),
        ("\u0421\u041e\u0420\u0415", "cope"),
        ("Acme  Nord", "ACME\u3000nord"),
        ("Stra\u00dfe", "STRASSE"),
        ("\U0001d400cme", "Acme"),
    ],
)
def test_names_share_a_key_when_they_look_alike(name: str, other: str) -> None:
    assert looks_key(name) == looks_key(other)


def test_names_have_keys_of_their_own_when_they_look_different() -> None:
    names = (
        "Acme",
        "Acne",
        "Mail",
        "Mall",
        "Nova",
        "Vova",
        "Acm\u00e9",
        "Acme 2",
        "Acme 3",
        "Ac me",
        "\u0416\u0443\u043a",
        "\u682a\u5f0f",
    )
    assert len({looks_key(name) for name in names}) == len(names)


@given(st.text(min_size=1, max_size=60))
def test_names_that_differ_only_in_case_look_alike(text: str) -> None:
    assert looks_key(name_key(text)) == looks_key(text)
