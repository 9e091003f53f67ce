"""Forms of a page as a browser without scripts would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class HtmlForm:
    """A form: where it is sent, and what stands in its fields, without buttons."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class FormParser(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self._area: str | None = None
        self._select: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form and its fields."""
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(HtmlForm(has.get("action", "")))
        if not self.forms:
            return
        values, name = self.forms[-1].values, has.get("name", "")
        if tag == "input" and name and (has.get("type") != "checkbox" or "checked" in has):
            values[name] = has.get("value", "")
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in has or self._select not in values):
            values[self._select] = has.get("value", "")

    def handle_data(self, data: str) -> None:
        """Note the text of a field of several lines."""
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        """End a field."""
        if tag == "textarea" and self._area is not None:
            self.forms[-1].values[self._area] = self._text.removeprefix("\n")
            self._area = None
        elif tag == "select":
            self._select = None


def forms_of(page: str) -> list[HtmlForm]:
    """Return the forms of a page."""
    parser = FormParser()
    parser.feed(page)
    return parser.forms


def form_to(page: str, action: str) -> HtmlForm:
    """Return the form of a page that is sent to an address."""
    return next(each for each in forms_of(page) if each.action == action)
