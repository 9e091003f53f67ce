"""Styles written once in `mail.css`, put on every tag when a template is compiled."""

import re
from collections.abc import Mapping

from css_inline import inline_fragment

_TAG = re.compile(r'<(?P<tag>[a-z0-9]+)(?P<rest>[^<>]*?)\sclass="(?P<names>[a-z0-9 -]+)"')
_STYLE = re.compile(r'<div class="(?P<names>[^"]+)"(?: style="(?P<style>[^"]*)")?>')
_COLOUR = re.compile(r"\bk-([a-z-]+)\b")


class InlineStyles:
    """Adds a `style` to each tag with a class; `k-link` in the sheet is the palette's `link`."""

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


def _read(page: str) -> Mapping[str, str]:
    return {m["names"]: _painted(m["style"] or "") for m in _STYLE.finditer(page)}


def _painted(style: str) -> str:
    coloured = _COLOUR.sub(lambda m: "{{ palette." + m[1].replace("-", "_") + " }}", style)
    return re.sub(r":\s+", ":", coloured).rstrip(";").replace("&quot;", "'")
