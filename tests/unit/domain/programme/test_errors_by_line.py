from pathlib import Path

import pytest

from kontor.programme.model import Programme
from kontor.programme.parse import InvalidProgramme, from_document, parse

EXAMPLES = Path(__file__).parents[4] / "examples" / "programmes"


def edited(code: str, old: str, new: str) -> tuple[str, int]:
    """The example with one line changed, and the number of that line."""
    lines = (EXAMPLES / f"{code}.yaml").read_text(encoding="utf-8").splitlines()
    hits = [i for i, line in enumerate(lines) if old in line and not line.startswith("#")]
    index = next((i for i in hits if lines[i].startswith(old)), hits[0])
    lines[index] = lines[index].replace(old, new)
    return "\n".join(lines), index + 1


def errors_of(text: str) -> list[tuple[int, str]]:
    result = parse(text)
    assert not isinstance(result, Programme)
    return [(error.line, f"{error.path}: {error.message}") for error in result]


@pytest.mark.parametrize(
    ("code", "old", "new", "message"),
    [
        ("booking", "white_label: true", "wite_label: true", "unknown key"),
        ("booking", "      appointments: 50", "      appointments: 50\n      appointments: 51", "duplicate key"),
        ("booking", "  percent: 20", "  percent: 120", "a percentage must be 0 to 100"),
        ("booking", "  percent: 20", "  percent: -1", "a percentage must be 0 to 100"),
        ("booking", "  percent: 20", "  percent: twenty", "a decimal number is required"),
        ("booking", "currency: EUR", "currency: EUX", "unknown currency 'EUX'"),
        ("booking", "timezone: Europe/Paris", "timezone: Europe/Pariis", "unknown time zone"),
        ("booking", "locale: fr", "locale: xx", "not one of en, de, fr, ru, ja"),
        ("booking", 'price: "19.00"', 'price: "-19.00"', "must not be negative"),
        ("booking", 'price: "19.00"', 'price: "19.001"', "more decimals than EUR"),
        ("booking", "white_label: true", "white_label: yes", "true or false"),
        ("booking", "name: Booking ", "name: 12 ", "a text is required"),
        ("booking", "  days: 7", "  days: seven", "a whole number"),
        ("booking", "reminders: [3, 1]", "reminders: [7, 1]", "length of the trial"),
        ("booking", "address: noreply@booking.example", "address: noreply", "@-sign"),
        ("booking", "https://affiliates", "http://affiliates", "https URL"),
        ("booking", "appointments: 1000", "appointments: lots", "a whole number"),
        ("booking", "  basic:", "  Basic Plan:", "is not a valid code"),
        ("booking", "kind: flat", "kind: flat-rate", "not one of none, flat, turnover"),
        ("booking", "  sms-100:", "  sms-100: 3\n  other:", "a mapping is required"),
        ("booking", "    name: Free", "    nme: Free", "unknown key"),
        ("hosting", '"Partner #2",  from: 5000', '"Partner #2",  from: 2999', "unsorted tier"),
        ("hosting", '"Starter",     from: 500', '"Starter",     from: -500', "a tier must not start below zero"),
        ("hosting", '"Partner #2",  from: 5000', '"Partner #2",  from: 3000', "duplicate tier"),
        ("hosting", '"Partner #2"', '"Partner #1"', "duplicate tier"),
        ("hosting", "ssl: 5}}", "ssl: 101}}", "a percentage must be 0 to 100"),
        ("hosting", "ssl: 5}}", "tls: 5}}", "unknown key"),
        ("hosting", "family: ssl", "family: tls", "unknown family"),
        ("hosting", "[ssl-domain, ssl-wildcard]", "[ssl-domain, ssl-wild]", "unknown product 'ssl-wild'"),
        ("hosting", "until: 2026-12-31", "until: 2025-12-31", "last day is before the first"),
        ("hosting", "from: 2026-01-01", "from: 2026-02-30", "a date"),
        ("telephony", "shared: true", "shared: false", "must be shared (shared: true)"),
        ("telephony", "    shared: true", "    shared: false", "managed by admin"),
        (
            "telephony",
            "account_subscription: call-recording-retail",
            "account_subscription: nope",
            "unknown account sub",
        ),
        ("telephony", 'fee: "20.00"', 'fee: "-20.00"', "must not be negative"),
        ("telephony", "managed_by: admin", "managed_by: nobody", "not one of admin, reseller"),
        ("booking", "name: Booking ", "name: &b Booking ", "anchors and aliases"),
        ("booking", "name: Booking ", "name: !!python/object:os.system x ", "is not allowed"),
        ("booking", "currency: EUR", "---\ncurrency: EUR", "a single document"),
        ("booking", "currency: EUR", "currency: [EUR", "invalid YAML"),
        ("booking", "currency: EUR", "currency: E\0R", "does not allow"),
    ],
)
def test_error_is_reported_at_its_line(code: str, old: str, new: str, message: str) -> None:
    text, line = edited(code, old, new)
    errors = errors_of(text)

    lines = range(line, line + 1 + new.count("\n") + ("[EUR" in new))
    assert any(at in lines and message in said for at, said in errors), errors


@pytest.mark.parametrize("key", ["name", "locale", "currency", "timezone"])
def test_missing_key_is_named(key: str) -> None:
    lines = (EXAMPLES / "booking.yaml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith(f"{key}:"))

    assert any(f"the key '{key}' is missing" in said for _, said in errors_of(text))


def test_all_errors_of_a_file_are_reported_in_line_order() -> None:
    lines = (EXAMPLES / "booking.yaml").read_text(encoding="utf-8").splitlines()
    replacements = {"currency: EUR": "currency: EUX", "  days: 7": "  days: 0", "  percent: 20": "  percent: 101",
             "white_label: true": "whitelabel: true"}  # fmt: skip
    changed, numbers = [], []
    for number, line in enumerate(lines, 1):
        hit = next((old for old in replacements if line.startswith(old)), None)
        changed.append(replacements[hit] if hit else line)
        numbers += [number] if hit else []

    assert [line for line, _ in errors_of("\n".join(changed))] == numbers


def test_one_mistake_is_one_error() -> None:
    for old, new in (("kind: flat", "kind: flt"), ("currency: EUR", "currency: 5"), ("  days: 7", "  days: x")):
        text, line = edited("booking", old, new)
        error_lines = [at for at, _ in errors_of(text)]
        assert error_lines.count(line) == 1


@pytest.mark.parametrize("text", ["", "   \n", "# nothing\n", "just text", "[1, 2]", "3", "null"])
def test_document_that_is_not_a_mapping_is_one_error(text: str) -> None:
    assert len(errors_of(text)) == 1


def test_programme_needs_exactly_one_free_plan() -> None:
    text, _ = edited("booking", '    price: "19.00"', "")
    assert any("already the free plan" in said for _, said in errors_of(text))
    text, _ = edited("booking", "    name: Free", '    price: "1.00"')
    assert any("one plan without a price" in said for _, said in errors_of(text))


def test_product_managed_by_a_reseller_names_it_and_is_not_shared() -> None:
    text, _ = edited("telephony", "managed_by: admin", "managed_by: reseller")
    said = " ".join(message for _, message in errors_of(text))

    assert "requires the key 'reseller'" in said
    assert "must not be shared" in said
    good = text.replace(
        "    shared: true\n    account_subscription: call", "    reseller: Acme\n    account_subscription: call"
    )
    assert isinstance(parse(good), Programme)


def test_document_bomb_is_refused_before_it_is_expanded() -> None:
    bomb = "a: &a [x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    assert "anchors" in errors_of(bomb)[0][1]
    assert "nested deeper" in errors_of("[" * 5000)[0][1]
    assert "longer than" in errors_of("x" * 600_000)[0][1]


def test_invalid_stored_document_is_refused_with_a_reason() -> None:
    with pytest.raises(InvalidProgramme, match="the key 'name' is missing"):
        from_document({"currency": "EUR"})
    with pytest.raises(InvalidProgramme, match="float"):
        from_document({"currency": 1.5})
