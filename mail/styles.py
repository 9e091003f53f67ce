"""Styles written once in `mail.css`, put on every tag when a template is compiled."""

import re
from collections.abc import Mapping
from dataclasses import fields

from css_inline import inline_fragment

from mail.colours import Palette

_TAG = re.compile(r'<(?P<tag>[a-z0-9]+)(?P<rest>[^<>]*?)\sclass="(?P<names>[a-z0-9 -]+)"')
_STYLE = re.compile(r'<div class="(?P<names>[^"]+)"(?: style="(?P<style>[^"]*)")?>')
_COLOUR = re.compile(r"\bk-([a-z-]+)\b")
_PAINTS = tuple(field.name for field in fields(Palette))


class InlineStyles:
    """Adds a `style` to each tag with a class; `k-link` in the sheet becomes a mark for `painted`."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._known: dict[str, str] = {}

    def inlined(self, source: str) -> str:
        """Return a template's source with the styles of its classes written into its tags."""
        self._learn({match["names"] for match in _TAG.finditer(source)} - self._known.keys())
        return _TAG.sub(self._styled, source)

    def _learn(self, names: set[str]) -> None:
        if names:
            page = "".join(f'<div class="{name}"></div>' for name in sorted(names))
            self._known.update(_read(inline_fragment(page, self._sheet)))

    def _styled(self, match: re.Match[str]) -> str:
        style = self._known.get(match["names"], "")
        return match[0] + (f' style="{style}"' if style else "")


def painted(html: str, palette: Palette) -> str:
    """Return a rendered mail with the colours of a brand. Text of people holds no controls."""
    for name in _PAINTS:
        html = html.replace(f"\x02{name}\x03", getattr(palette, name))
    return html


def _read(page: str) -> Mapping[str, str]:
    return {m["names"]: _marked(m["style"] or "") for m in _STYLE.finditer(page)}


def _marked(style: str) -> str:
    coloured = _COLOUR.sub(lambda m: f"\x02{m[1].replace('-', '_')}\x03", style)
    return re.sub(r":\s+", ":", coloured).rstrip(";").replace("&quot;", "'")
