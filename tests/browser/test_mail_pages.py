"""Mails in a real browser: they fit a phone, are readable, and have a dark mode."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from kontor.mailer.brand import Brand, Colours
from kontor.mailer.formatting import LANGUAGES
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import Renderer
from tests.browser.mail_pictures import BRAND, browser, chromium, sample_page

pytestmark = pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)")
PHONE = {"width": 340, "height": 700}
DESK = {"width": 900, "height": 700}
GARISH = Brand("Grell & Söhne", "https://learn.example", colours=Colours("#ffee00", "#ff0000", "#eeeeee"))
LOW_CONTRAST = """() => {
  const channel = c => (c /= 255, c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = numbers(c).map(channel); return .2126 * r + .7152 * g + .0722 * b };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (numbers(c)[3] !== 0) return c } return 'rgb(255,255,255)' };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.offsetParent) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => x - y);
    if ((b + .05) / (a + .05) < 4.5) found.push(walker.currentNode.data.trim());
  }
  return found }"""


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.mark.parametrize("language", LANGUAGES)
def test_mails_fit_a_phone(running: Browser, renderer: Renderer, language: str) -> None:
    page = running.new_page(viewport=PHONE)  # type: ignore[arg-type]  # a plain dict
    for name in MAIL_KINDS:
        page.set_content(sample_page(renderer, name, language))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("brand", [BRAND, GARISH], ids=["calm", "loud"])
def test_every_word_has_enough_contrast(running: Browser, renderer: Renderer, brand: Brand, scheme: Any) -> None:
    page = running.new_page(viewport=DESK, color_scheme=scheme)  # type: ignore[arg-type]  # a plain dict
    for name in MAIL_KINDS:
        page.set_content(sample_page(renderer, name, "de", brand))
        assert page.evaluate(LOW_CONTRAST) == [], name
    page.close()


def test_dark_mode_is_dark(running: Browser, renderer: Renderer) -> None:
    page = running.new_page(viewport=DESK, color_scheme="dark")  # type: ignore[arg-type]  # a plain dict
    page.set_content(sample_page(renderer, "offer-received", "en"))
    for selector in ("body", ".card"):
        colour = page.eval_on_selector(selector, "e => getComputedStyle(e).backgroundColor")
        assert max(int(part) for part in colour[4:-1].split(",")) < 48
    page.close()


def test_mail_loads_nothing_and_its_button_links_to_the_written_url(running: Browser, renderer: Renderer) -> None:
    requested: list[str] = []
    page = running.new_page(viewport=DESK)  # type: ignore[arg-type]  # a plain dict
    page.on("request", lambda request: requested.append(request.url))
    page.set_content(sample_page(renderer, "offer-received", "en"))
    page.wait_for_load_state("networkidle")
    assert requested == []
    link = "https://learn.example/offers/sample-token-of-an-offer"
    assert page.get_by_role("link", name="View the offer and decide").get_attribute("href") == link
    assert page.get_by_role("link", name=link).get_attribute("href") == link
    page.close()
