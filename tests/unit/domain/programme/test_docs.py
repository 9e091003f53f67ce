import re
from pathlib import Path

from kontor.programme.diff import to_document
from kontor.programme.model import Programme
from kontor.programme.parse import parse

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "reference" / "programme-file.md").read_text(encoding="utf-8")
WRITTEN = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", PAGE))))
BY_CODE = {
    "plans",
    "products",
    "account",
    "reseller",
    "promo_codes",
    "campaigns",
    "limits",
    "names",
    "addresses",
    "metrics",
    "families",
}


def keys(document: object, above: str = "") -> set[str]:
    if isinstance(document, list):
        return {key for item in document for key in keys(item)}
    if not isinstance(document, dict) or above in {"percent", "limits", "names", "addresses"}:
        return set()
    own = set() if above in BY_CODE else set(document)
    return own.union(*(keys(inner, key) for key, inner in document.items()))


def test_every_key_of_a_programme_is_documented() -> None:
    for path in (ROOT / "examples" / "programmes").glob("*.yaml"):
        programme = parse(path.read_text(encoding="utf-8"))
        assert isinstance(programme, Programme)
        assert keys(to_document(programme)) <= WRITTEN
