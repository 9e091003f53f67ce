import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.validation import (
    InvalidText,
    account_name,
    colour,
    domain_name,
    email_address,
    https_url,
    name_key,
    same_address,
)


@pytest.mark.parametrize(
    "name",
    [
        "A",
        "x" * 100,
        "Ёлка & Söhne",
        "株式会社 東京",
        "=1+1",
        '"quoted"',
        "🔧 Repair",
        "O'Brien, Ltd.",
    ],
)
def test_name_is_printable_text_of_any_script(name: str) -> None:
    assert account_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 101,
        "a\nb",
        "a\rb",
        "a\tb",
        "a\0b",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\u202eb",
        "\u200d",
        "\ud800",
        "a\u200bb",
        "\ue000",
        "نمی\u200cدانم",
        "Ac\u200dme",
        "Ac\u00adme",
        "A\ufe0f",
        "\u3164",
        "+++",
        "🔧",
    ],
)
def test_name_with_ignorable_characters_or_without_a_letter_or_digit_is_refused(name: str) -> None:
    with pytest.raises(InvalidText):
        account_name(name)


def test_name_is_stored_composed_and_trimmed() -> None:
    assert account_name(" Rose\u0301 ") == "Ros\u00e9"
    assert account_name("e\u0301" * 100) == "\u00e9" * 100
    assert account_name("株式会社\u3000 \u00a0東京") == "株式会社 東京"


@pytest.mark.parametrize(
    ("name", "other"),
    [("Straße", "STRASSE"), ("ЁЛКА", "ёлка"), ("Rosé", "rose\u0301".upper()), (" a ", "A"), ("ΣΊΣΥΦΟΣ", "σίσυφος")],
)
def test_names_that_differ_only_in_case_are_equal(name: str, other: str) -> None:
    assert name_key(name) == name_key(other)


def test_names_that_differ_otherwise_are_not_equal() -> None:
    assert len({name_key(name) for name in ("Rose", "Rosé", "R ose", "①", "1")}) == 5


@given(st.text(min_size=1, max_size=60))
def test_key_of_a_name_is_stable_and_ignores_case(text: str) -> None:
    try:
        name = account_name(text)
    except InvalidText:
        return
    assert account_name(name) == name
    assert name_key(name_key(name)) == name_key(name)
    assert name_key(name.casefold()) == name_key(name)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@Shop.Example", "ann@shop.example"),
        ("o'brien@mail.test", "o'brien@mail.test"),
        ('"with space"@mail.test', '"with space"@mail.test'),
        ("jürgen@bücher.example", "jürgen@bücher.example"),
        ("a+b@localhost", "a+b@localhost"),
        ("a@Sub.Invalid", "a@sub.invalid"),
    ],
)
def test_email_address_is_checked_by_syntax_only(text: str, address: str) -> None:
    assert email_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@shop",
        "a b@sub.invalid",
        "@shop.example",
        "ann@",
        "a b@shop.example",
        "ann@shop.example\nBcc: x@y.example",
        "<ann@shop.example>",
        "a@b@c.example",
        "ann@shop..example",
        "Ann <ann@shop.example>",
        f"{'a' * 65}@shop.example",
        f"{'ü' * 33}@shop.example",
        f"{'a' * 65}@shop.local",
    ],
)
def test_invalid_email_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        email_address(text)


def test_email_addresses_are_compared_without_case() -> None:
    assert same_address("Ann@Shop.example", "ann@shop.EXAMPLE")
    assert not same_address("ann@shop.example", "anne@shop.example")


@pytest.mark.parametrize("text", ["#12ab3f", "#12AB3F"])
def test_colour_is_six_hex_digits(text: str) -> None:
    assert colour(text) == "#12ab3f"


@pytest.mark.parametrize(
    "text", ["", "red", "#fff", "12ab3f", "#12ab3", "#12ab3ff", "#12ab3g", "#12ab3f;", "#１２３４５６"]
)
def test_any_other_colour_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        colour(text)


@pytest.mark.parametrize("text", ["https://shop.example/logo.png", "https://shop.example:8443/a?b=c#d"])
def test_logo_is_at_an_https_url(text: str) -> None:
    assert https_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://shop.example/l.png",
        "javascript:alert(1)",
        "https://",
        "//shop.example/x",
        "https://u:p@shop.example/",
        "https://a b/",
        "https://x/\n",
        "https://x:99999/",
        'https://x/"',
        "https://x/" + "a" * 2000,
    ],
)
def test_any_other_url_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        https_url(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Shop.Example.com", "shop.example.com"), ("bücher.example", "xn--bcher-kva.example"), ("a.test.", "a.test")],
)
def test_domain_is_stored_as_dns_writes_it(text: str, name: str) -> None:
    assert domain_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "a..b",
        "-a.example",
        "a_b.example",
        "10.0.0.1",
        "https://a.example",
        "a.example/x",
        "x" * 64 + ".example",
    ],
)
def test_invalid_domain_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        domain_name(text)
