from pathlib import Path

from kontor.programme.diff import diff
from kontor.programme.model import Programme
from kontor.programme.parse import parse

EXAMPLES = Path(__file__).parents[4] / "examples" / "programmes"


def changes(code: str, old: str, new: str) -> list[str]:
    text = (EXAMPLES / f"{code}.yaml").read_text(encoding="utf-8")
    before, after = parse(text), parse(text.replace(old, new))
    assert isinstance(before, Programme)
    assert isinstance(after, Programme), [str(error) for error in after]
    return [str(change) for change in diff(before, after)]


def test_same_file_has_no_changes() -> None:
    assert changes("hosting", "", "") == []


def test_comments_quotes_and_order_are_not_changes() -> None:
    assert changes("booking", "currency: EUR", "currency: 'EUR'   # still") == []


def test_changed_value_is_shown_with_its_path() -> None:
    assert changes("booking", "  percent: 20", "  percent: 22.5") == ["~ discount.percent: 20 -> 22.5"]


def test_tiers_are_identified_by_name() -> None:
    assert changes("hosting", "from: 3000, ", "from: 3001, ") == ["~ discount.tiers[Partner #1].from: 3000 -> 3001"]


def test_added_and_removed_keys_are_marked() -> None:
    lines = changes("booking", "  premium:\n    name: Premium", "  gold:\n    name: Gold")

    assert "- plans.premium.name: Premium" in lines
    assert "+ plans.gold.name: Gold" in lines


def test_first_application_adds_everything() -> None:
    programme = parse((EXAMPLES / "learning.yaml").read_text(encoding="utf-8"))
    assert isinstance(programme, Programme)
    difference = diff(None, programme)

    assert {change.kind.value for change in difference} == {"added"}
    assert "+ currency: EUR" in [str(change) for change in difference]
