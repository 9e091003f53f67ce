"""Translated messages compiled into templates."""

from gettext import NullTranslations

import pytest
from jinja2 import DictLoader, TemplateAssertionError, select_autoescape
from markupsafe import Markup

from kontor.mailer.formatting import many_lines, one_line
from kontor.mailer.render import TranslatedEnvironment


class Loud(NullTranslations):
    """A language whose translations contain markup."""

    def gettext(self, message: str) -> str:
        return f"<i>{message}</i> & so"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"<i>{msgid1 if n == 1 else msgid2}</i>"


def rendered(name: str, source: str, **values: object) -> str:
    env = TranslatedEnvironment(
        Loud(), loader=DictLoader({name: source}), autoescape=select_autoescape(("html",), default=False)
    )
    return env.get_template(name).render(**values)


def test_translations_are_escaped() -> None:
    assert rendered("a.html", '{{ _("Hi") }}') == "&lt;i&gt;Hi&lt;/i&gt; &amp; so"
    assert rendered("a.txt", '{{ _("Hi") }}') == "<i>Hi</i> & so"


def test_values_are_escaped_unless_they_are_our_markup() -> None:
    values = {"a": "<b>", "b": Markup("<b>")}
    source = '{{ _("%(a)s or %(b)s", a=a, b=b) }}'
    assert rendered("a.html", source, **values) == "&lt;i&gt;&lt;b&gt; or <b>&lt;/i&gt; &amp; so"
    assert rendered("a.txt", source, **values) == "<i><b> or <b></i> & so"


def test_number_selects_the_plural_form_and_values_are_escaped() -> None:
    source = '{{ ngettext("%(n)s day of %(x)s", "%(n)s days of %(x)s", n, n=n, x="<") }}'
    assert rendered("a.html", source, n=1) == "&lt;i&gt;1 day of &lt;&lt;/i&gt;"
    assert rendered("a.txt", source, n=2) == "<i>2 days of <</i>"


def test_only_literals_can_be_translated() -> None:
    with pytest.raises(TemplateAssertionError, match="literals"):
        rendered("a.txt", "{{ _(word) }}", word="x")


@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_every_line_break_is_one_space_or_one_line_feed(separator: str) -> None:
    assert one_line(f"a{separator}b") == "a b"
    assert many_lines(f"a{separator}b") == "a\nb"
