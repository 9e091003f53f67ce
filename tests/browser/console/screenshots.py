"""Screenshots for the docs: `KONTOR_PICTURES=1 python -m pytest -n0 tests/browser/console` draws them again."""

from pathlib import Path

from playwright.sync_api import Page

PICTURES = Path(__file__).resolve().parents[3] / "docs" / "pictures" / "console"


def draw(page: Page, name: str) -> Path:
    """Save a screenshot of the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    return path
