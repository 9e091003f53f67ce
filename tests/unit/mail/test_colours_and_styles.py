"""Readable colours, and inline styles on every tag."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.mailer.brand import CARD, DARK_CARD, MIN_CONTRAST, Brand, Colours, Support, contrast, palette
from kontor.mailer.render import InlineStyles

COLOUR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(primary=COLOUR, background=COLOUR, text=COLOUR)
def test_every_choice_of_colours_is_readable(primary: str, background: str, text: str) -> None:
    painted = palette(Colours(primary, background, text))
    assert painted.primary == primary
    for ink, ground in (
        (painted.on_primary, painted.primary),
        (painted.on_page, painted.page),
        (painted.text, CARD),
        (painted.link, CARD),
        (painted.dark_link, DARK_CARD),
    ):
        assert contrast(ink, ground) >= MIN_CONTRAST


def test_readable_brand_colour_is_unchanged() -> None:
    assert palette(Colours("#0f766e")).link == "#0f766e"


def test_contrast_follows_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("value", ["red", "#fff", "#12345g", "#123456;x:url(y)", "#123456\n"])
def test_invalid_colour_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        Colours(primary=value)


def test_logo_must_be_an_image_of_ours_and_support_page_a_link() -> None:
    for address in ("https://x.example/l.png", "/images/../l.png", f"/images/{'0' * 64}.svg"):
        with pytest.raises(ValueError, match="images of ours"):
            Brand("x", "https://x.example", logo=address)
    with pytest.raises(ValueError, match="http"):
        Support(url="javascript:alert(1)")


def test_international_link_domain_is_encoded() -> None:
    assert Brand("x", "https://bücher.example:8443/").link("/o/t") == "https://xn--bcher-kva.example:8443/o/t"
    with pytest.raises(ValueError, match="not a valid link"):
        Brand("x", "https://x.example").link("/ö")


def test_styles_are_inlined_and_refer_to_the_palette() -> None:
    styles = InlineStyles(".a { color: k-link; margin: 0 } .b { border: 1px solid #eee }")
    assert styles.inline('<p class="a">x</p><td class="a b" align="x">') == (
        '<p class="a" style="color:\x02link\x03;margin:0">x</p>'
        '<td class="a b" style="color:\x02link\x03;margin:0;border:1px solid #eee" align="x">'
    )


def test_every_class_of_a_mail_has_its_style_inline(build: Any) -> None:
    html = build("offer-received").html
    body = html[html.index("<body") :]
    assert re.findall(r'class="[^"]+"(?! style=")', body) == []
    assert "k-" not in re.sub(r"[a-z-]*://\S+", "", "".join(re.findall(r'style="[^"]*"', body)))
