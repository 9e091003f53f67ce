"""Templates into subject, text and HTML: one environment per process, passed as an argument."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, select_autoescape

from mail.brand import Brand
from mail.catalogue import LOCALES, Catalogue, babel_locale, language_of, load_all
from mail.colours import palette
from mail.filters import FILTERS
from mail.formats import formats
from mail.kinds import MailKind
from mail.plain import one_line
from mail.styles import InlineStyles, painted
from mail.words import TranslatedEnvironment

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
        sheet = (templates / "_base" / "mail.css").read_text("utf-8").replace("k-font", FONT)
        loader = _OneSource(templates, InlineStyles(sheet))
        self._envs = {name: _environment(loader, words) for name, words in load_all(root=locales).items()}

    def render(self, telling: Telling) -> Said:
        """Return the mail in words. Raises jinja2.UndefinedError on a fact that is not there."""
        env = self._envs[language_of(telling.locale)]
        scope = _scope(telling)
        name = telling.kind.name
        scope["subject"] = one_line(env.get_template(f"{name}/subject.txt").render(scope))
        text = _GAPS.sub("\n\n", _body(env, name, "txt", scope).strip() + "\n")
        scope["preheader"] = _opening(text)
        html = painted(_body(env, name, "html", scope), scope["palette"])
        return Said(scope["subject"], text, html)


def _body(env: Environment, name: str, form: str, scope: dict[str, Any]) -> str:
    scope |= {"form": form, "letter": f"{name}/letter.{form}"}
    for part in ("kit", "phrases"):
        scope[part] = env.get_template(f"_base/{part}.{form}").make_module(scope)
    return env.get_template(f"{name}/body.{form}").render(scope)


def _scope(telling: Telling) -> dict[str, Any]:
    brand = telling.brand
    return {
        "brand": brand,
        "palette": palette(brand.colours),
        "facts": telling.facts,
        "links": {name: brand.link(telling.links[name]) for name in telling.kind.needed_links},
        "audience": telling.kind.audience,
        "language": content_language(telling.locale),
        "say": formats(telling.locale, telling.timezone),
    }


@lru_cache(maxsize=256)
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


def _environment(loader: _OneSource, catalogue: Catalogue) -> Environment:
    env = TranslatedEnvironment(
        catalogue.words,
        loader=loader,
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    env.filters.update(FILTERS)
    return env


def _opening(text: str) -> str:
    """Return the first paragraph after the greeting, for the preview line of inboxes."""
    return one_line(text.split("\n\n", 2)[1])
