"""Templates into subject, text and HTML: one environment per process, passed as an argument."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from mail.brand import Brand
from mail.catalogue import LOCALES, Catalogue, babel_locale, language_of, load_all
from mail.colours import palette
from mail.filters import FILTERS
from mail.formats import formats
from mail.kinds import MailKind
from mail.plain import one_line
from mail.styles import InlineStyles

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "email"
FONT = "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Hiragino Sans','Noto Sans JP',Meiryo,sans-serif"
_GAPS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Said:
    """A mail in words: `text` and `html` are whole bodies with LF line ends."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told to whom: a kind of mail, its checked facts and links, a brand, a reader."""

    kind: MailKind
    brand: Brand
    locale: str
    timezone: str
    facts: Any
    links: Mapping[str, str]


class Renderer:
    """Templates compiled on first use, words of every language. Safe to share by threads."""

    def __init__(self, templates: Path = TEMPLATES, locales: Path = LOCALES) -> None:
        self._env = _environment(templates)
        self._words = {language: _phrases(words) for language, words in load_all(root=locales).items()}

    def render(self, telling: Telling) -> Said:
        """Return the mail in words. Raises jinja2.UndefinedError on a fact that is not there."""
        scope = self._scope(telling)
        name = telling.kind.name
        scope["subject"] = one_line(self._rendered(f"{name}/subject.txt", scope))
        text = self._body(name, "txt", scope).strip() + "\n"
        text = _GAPS.sub("\n\n", text)
        scope["preheader"] = _opening(text)
        return Said(scope["subject"], text, self._body(name, "html", scope))

    def _body(self, name: str, form: str, scope: dict[str, Any]) -> str:
        scope |= {"form": form, "letter": f"{name}/letter.{form}"}
        for part in ("kit", "phrases"):
            scope[part] = self._env.get_template(f"_base/{part}.{form}").make_module(scope)
        return self._rendered(f"{name}/body.{form}", scope)

    def _rendered(self, template: str, scope: Mapping[str, Any]) -> str:
        return self._env.get_template(template).render(scope)

    def _scope(self, telling: Telling) -> dict[str, Any]:
        brand = telling.brand
        return {
            "brand": brand,
            "palette": palette(brand.colours),
            "facts": telling.facts,
            "links": {name: brand.link(telling.links[name]) for name in telling.kind.needed_links},
            "audience": telling.kind.audience,
            "language": content_language(telling.locale),
            "say": formats(telling.locale, telling.timezone),
            **self._words[language_of(telling.locale)],
        }


def content_language(locale: str) -> str:
    """Return the language tag a mail is written in (`de-AT`, `en`)."""
    return str(babel_locale(locale)).replace("_", "-")


class _OneSource(FileSystemLoader):
    """`x.jinja` is read both as `x.txt` and, escaped and styled, as `x.html`."""

    def __init__(self, root: Path, styles: InlineStyles) -> None:
        super().__init__(root)
        self._styles = styles

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            source, path, fresh = super().get_source(environment, template)
        except TemplateNotFound:
            both = f"{template.rpartition('.')[0]}.jinja"
            source, path, fresh = super().get_source(environment, both)
        return self._styles.inlined(source), path, fresh


def _environment(templates: Path) -> Environment:
    sheet = (templates / "_base" / "mail.css").read_text("utf-8").replace("k-font", FONT)
    env = Environment(
        loader=_OneSource(templates, InlineStyles(sheet)),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    env.filters.update(FILTERS)
    return env


def _phrases(catalogue: Catalogue) -> Mapping[str, Any]:
    words = catalogue.words

    @pass_context
    def one(context: Context, message: str, /, **values: Any) -> str:
        return _filled(context, words.gettext(message), values)

    @pass_context
    def many(context: Context, single: str, plural: str, num: int, /, **values: Any) -> str:
        return _filled(context, words.ngettext(single, plural, num), {"num": num, **values})

    return {"_": one, "gettext": one, "ngettext": many}


def _filled(context: Context, text: str, values: Mapping[str, Any]) -> str:
    if context.eval_ctx.autoescape:
        return Markup(text) % values  # noqa: S704  # our own words; the values are escaped by %
    return text % values


def _opening(text: str) -> str:
    """Return the first paragraph after the greeting, for the preview line of inboxes."""
    return one_line(text.split("\n\n", 2)[1])
