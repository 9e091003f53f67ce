"""Mails as a reader sees them: the sheets in docs/pictures/mail, and the pages the tests open.

Run `python -m tests.browser.mail_pictures` to draw the sheets again.

"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from kontor.mailer.brand import Brand, Colours, Support
from kontor.mailer.build import MailBuilder, OutgoingMail
from kontor.mailer.formatting import LANGUAGES
from kontor.mailer.identity import Addressee, sender_for
from kontor.mailer.kinds import SAMPLE_RESELLER
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import Renderer
from kontor.mails.preview import SAMPLE_LINKS, sample_addressee, sample_facts

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "mail"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SHOWN = ("offer-received",)
VIEWS = (("light", 660), ("dark", 660), ("light", 360))
SAMPLED_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SUPPORT = Support(email="help@nordlicht.example", phone="+49 40 123456", url="https://nordlicht.example/help")
BRAND = Brand(
    SAMPLE_RESELLER, "https://learn.example", colours=Colours("#0f766e", "#eef2f1", "#1f2329"), support=SUPPORT
)
SHEET = """<body style="margin:0;padding:12px;background:#8d949e;display:flex;gap:12px;align-items:flex-start">
%s</body>"""


def chromium() -> str | None:
    """The path of the system's Chromium, or None."""
    return which("chromium") or which("chromium-browser") or which("google-chrome")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser without network background activity."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


def sample_page(renderer: Renderer, name: str, language: str, brand: Brand = BRAND) -> str:
    """Render the HTML of a sample mail."""
    letter = OutgoingMail(
        template=name,
        fact_key="sample",
        locale=language,
        timezone="Europe/Berlin",
        brand=brand,
        sender=sender_for(brand.name, None, {"en": "noreply@kontor.example"}, language, "bounce@kontor.example"),
        to=Addressee("admin@elbe.example"),
        facts=sample_facts()[name],
        links=SAMPLE_LINKS,
        addressee=sample_addressee(MAIL_KINDS[name]),
    )
    return MailBuilder(renderer).build(letter, SAMPLED_AT).html


def draw(folder: Path = PICTURES) -> None:
    """Draw one sheet per language: each sample mail in light, in dark and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer()
    with browser() as running:
        for language in LANGUAGES:
            for name in SHOWN:
                html = sample_page(renderer, name, language)
                _sheet(running, html, folder / f"{name}-{language}.png")


def _sheet(running: Browser, html: str, target: Path) -> None:
    frames = []
    for number, (scheme, width) in enumerate(VIEWS):
        page = running.new_page(viewport={"width": width, "height": 200}, color_scheme=_scheme(scheme))
        page.set_content(html)
        shot = target.with_suffix(f".{number}.png")
        page.screenshot(path=shot, full_page=True)
        page.close()
        frames.append(shot)
    images = "".join(f'<img src="{shot.as_uri()}" style="zoom:.43">' for shot in frames)
    page = running.new_page(viewport={"width": 770, "height": 200})
    _show_file(page, target.with_suffix(".html"), SHEET % images)
    page.screenshot(path=target, full_page=True)
    page.close()
    for shot in (*frames, target.with_suffix(".html")):
        shot.unlink()


def _show_file(page: Page, path: Path, html: str) -> None:
    path.write_text(html, "utf-8")
    page.goto(path.as_uri())


def _scheme(name: str) -> Literal["light", "dark"]:
    return "dark" if name == "dark" else "light"


if __name__ == "__main__":
    draw()
