"""Renders templates into subject, text and HTML."""

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
from mail.plain import typeset_line
from mail.styles import InlineStyles, painted
from mail.words import TranslatedEnvironment

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "email"
FONT = "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Hiragino Sans','Noto Sans JP',Meiryo,sans-serif"
_GAPS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Said:
    """A rendered mail: `text` and `html` are complete bodies with LF line ends."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything a template needs.

    `addressee`: name of the account that the mail is addressed to, empty for none; shown in languages that open a
    letter with it.
    """

    kind: MailKind
    brand: Brand
    locale: str
    timezone: str
    facts: Any
    links: Mapping[str, str]
    addressee: str = ""


class Renderer:
    """Renders mails in every language; templates are compiled on first use. Thread-safe."""

    def __init__(self, templates: Path = TEMPLATES, locales: Path = LOCALES) -> None:
        sheet = (templates / "_base" / "mail.css").read_text("utf-8").replace("k-font", FONT)
        loader = _OneSource(templates, InlineStyles(sheet))
        self._own_bodies = frozenset(path.relative_to(templates).as_posix() for path in templates.glob("*/body.*"))
        self._envs = {name: _environment(loader, words) for name, words in load_all(root=locales).items()}

    def render(self, data: Telling) -> Said:
        """Render a mail. Raises jinja2.UndefinedError when a fact is missing."""
        env = self._envs[language_of(data.locale)]
        scope = _scope(data)
        name = data.kind.name
        scope["subject"] = typeset_line(env.get_template(f"{name}/subject.txt").render(scope))
        text = _GAPS.sub("\n\n", self._body(env, name, "txt", scope).strip() + "\n")
        scope["preheader"] = _opening(text)
        html = painted(self._body(env, name, "html", scope), scope["palette"])
        return Said(scope["subject"], text, html)

    def _body(self, env: Environment, name: str, form: str, scope: dict[str, Any]) -> str:
        scope |= {"form": form, "letter": f"{name}/letter.{form}"}
        for part in ("kit", "phrases"):
            scope[part] = env.get_template(f"_base/{part}.{form}").make_module(scope)
        body = f"{name}/body.{form}"
        return env.get_template(body if body in self._own_bodies else f"_base/body.{form}").render(scope)


def _scope(data: Telling) -> dict[str, Any]:
    brand = data.brand
    say = formats(data.locale, data.timezone)
    return {
        "brand": brand,
        "palette": palette(brand.colours),
        "facts": data.facts,
        "links": {name: brand.link(data.links[name]) for name in data.kind.needed_links},
        "audience": data.kind.audience,
        "language": content_language(data.locale),
        "say": say,
        "addressee": say.addressee(data.addressee),
    }


@lru_cache(maxsize=256)
def content_language(locale: str) -> str:
    """Return the language tag of a mail (`de-AT`, `en`)."""
    return str(babel_locale(locale)).replace("_", "-")


class _OneSource(FileSystemLoader):
    """Loads `x.jinja` as `x.txt` and, escaped and styled, as `x.html`."""

    def __init__(self, root: Path, styles: InlineStyles) -> None:
        super().__init__(root)
        self._styles = styles

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            source, path, fresh = super().get_source(environment, template)
        except TemplateNotFound:
            shared = f"{template.rpartition('.')[0]}.jinja"
            source, path, fresh = super().get_source(environment, shared)
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
    return typeset_line(text.split("\n\n", 2)[1])
