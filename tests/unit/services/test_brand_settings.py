"""A brand is checked field by field, and every invalid field is named."""

import pytest

from kontor.accounts.brands import BrandSettings, validate_brand
from kontor.kernel.errors import Invalid

GOOD = {
    "name": "Elbe Akademie",
    "logo_url": "https://elbe.example/logo.png",
    "colours": {"primary": "#AABBCC"},
    "favicon_url": "https://elbe.example/favicon.ico",
    "domain": "Lernen.Elbe.Example",
    "from_address": "info@elbe.example",
    "support": {"email": "hilfe@elbe.example", "phone": "+49 40 1234"},
}


def test_complete_brand_is_stored_in_its_canonical_form() -> None:
    kept = validate_brand(GOOD)
    assert kept.colours == {"primary": "#aabbcc"}
    assert kept.domain == "lernen.elbe.example"
    assert kept.columns() == {
        **GOOD,
        "colours": {"primary": "#aabbcc"},
        "domain": "lernen.elbe.example",
    }
    assert kept.domains() == ("lernen.elbe.example", "elbe.example")


def test_empty_value_means_not_set() -> None:
    assert validate_brand({"name": "", "logo_url": None, "colours": {}}) == BrandSettings()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hilfe@elbe.example", {"email": "hilfe@elbe.example"}),
        ("https://elbe.example/help", {"url": "https://elbe.example/help"}),
        ("Ring twice", {"text": "Ring twice"}),
    ],
)
def test_support_contact_may_be_one_line_of_text(text: str, kept: dict[str, str]) -> None:
    assert validate_brand({"support": text}).support == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\r\nBcc: x@x.example"),
        ("name", 5),
        ("name", "x" * 101),
        ("logo_url", "http://elbe.example/logo.png"),
        ("logo_url", "https://elbe.example/a b"),
        ("logo_url", 'https://elbe.example/"onerror=alert(1)'),
        ("favicon_url", "javascript:alert(1)"),
        ("colours", {"primary": "red"}),
        ("colours", {"primary": "#12345"}),
        ("colours", {"primary": "#1234567"}),
        ("colours", {"a b": "#123456"}),
        ("colours", ["#123456"]),
        ("domain", "localhost"),
        ("domain", "10.0.0.1"),
        ("domain", "elbe.example/path"),
        ("from_address", "info"),
        ("from_address", "a@b.example, c@d.example"),
        ("from_address", "a\n@b.example"),
        ("support", {"email": "nobody"}),
        ("support", {"fax": "1"}),
        ("support", 5),
        ("icon", "https://elbe.example/x"),
    ],
)
def test_invalid_field_is_named(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        validate_brand({**GOOD, field: value})
    assert [error.loc for error in refused.value.errors] == [field]


def test_all_invalid_fields_are_named_together() -> None:
    with pytest.raises(Invalid) as refused:
        validate_brand({"name": 1, "domain": 1, "support": 1, "x": 1})
    assert {error.loc for error in refused.value.errors} == {"name", "domain", "support", "x"}
