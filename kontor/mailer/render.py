"""Render templates into subject, text and HTML; one environment per process."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final

from css_inline import inline_fragment
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateAssertionError,
    TemplateNotFound,
    nodes,
    pass_context,
    select_autoescape,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from markupsafe import escape

from kontor.mailer.brand import Brand, Palette, palette
from kontor.mailer.formatting import (
    FILTERS,
    LOCALES,
    TranslationCatalogue,
    babel_locale,
    formats_for,
    language_of,
    load_catalogues,
    typeset_line,
)
from kontor.mailer.kinds import MailFacts, MailKind

_TAG = re.compile(r'<(?P<tag>[a-z0-9]+)(?P<rest>[^<>]*?)\sclass="(?P<names>[a-z0-9 -]+)"')
_STYLE = re.compile(r'<div class="(?P<names>[^"]+)"(?: style="(?P<style>[^"]*)")?>')
_COLOUR = re.compile(r"\bk-([a-z-]+)\b")
_COLOUR_NAMES = tuple(field.name for field in fields(Palette))


class InlineStyles:
    """Adds a `style` to each tag with a class; `k-link` in the sheet becomes a placeholder for `painted`."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._styles: dict[str, str] = {}

    def inline(self, source: str) -> str:
        """Return a template's source with inline styles."""
        self._add_classes({match["names"] for match in _TAG.finditer(source)} - self._styles.keys())
        return _TAG.sub(self._styled, source)

    def _add_classes(self, names: set[str]) -> None:
        if names:
            page = "".join(f'<div class="{name}"></div>' for name in sorted(names))
            self._styles.update(_parse_styles(inline_fragment(page, self._sheet)))

    def _styled(self, match: re.Match[str]) -> str:
        style = self._styles.get(match["names"], "")
        return match[0] + (f' style="{style}"' if style else "")


def apply_palette(html: str, palette: Palette) -> str:
    """Replace the colour placeholders of a rendered mail by a brand's colours.

    Sanitized user text has no control characters and so cannot contain a placeholder.
    """
    for name in _COLOUR_NAMES:
        html = html.replace(f"\x02{name}\x03", getattr(palette, name))
    return html


def _parse_styles(page: str) -> Mapping[str, str]:
    return {m["names"]: _with_placeholders(m["style"] or "") for m in _STYLE.finditer(page)}


def _with_placeholders(style: str) -> str:
    style = _COLOUR.sub(lambda m: f"\x02{m[1].replace('-', '_')}\x03", style)
    return re.sub(r":\s+", ":", style).rstrip(";").replace("&quot;", "'")


TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates" / "email"
FONT = "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Hiragino Sans','Noto Sans JP',Meiryo,sans-serif"
_GAPS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A rendered mail: `text` and `html` are complete bodies with LF line ends."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class RenderInput:
    """Everything a template needs.

    `addressee`: name of the account that the mail is addressed to, empty for none; shown in languages that open a
    letter with it.
    """

    kind: MailKind
    brand: Brand
    locale: str
    timezone: str
    facts: MailFacts
    links: Mapping[str, str]
    addressee: str = ""


class Renderer:
    """Renders mails in every language; templates are compiled on first use. Thread-safe."""

    def __init__(self, templates: Path = TEMPLATES, locales: Path = LOCALES) -> None:
        sheet = (templates / "_base" / "mail.css").read_text("utf-8").replace("k-font", FONT)
        loader = _OneSource(templates, InlineStyles(sheet))
        self._own_bodies = frozenset(path.relative_to(templates).as_posix() for path in templates.glob("*/body.*"))
        self._envs = {name: _environment(loader, words) for name, words in load_catalogues(root=locales).items()}

    def render(self, data: RenderInput) -> RenderedMail:
        """Render a mail. Raises jinja2.UndefinedError when a fact is missing."""
        env = self._envs[language_of(data.locale)]
        colours = palette(data.brand.colours)
        scope = _scope(data, colours)
        name = data.kind.name
        scope["subject"] = subject = typeset_line(env.get_template(f"{name}/subject.txt").render(scope))
        text = _GAPS.sub("\n\n", self._body(env, name, "txt", scope).strip() + "\n")
        scope["preheader"] = _opening(text)
        html = apply_palette(self._body(env, name, "html", scope), colours)
        return RenderedMail(subject, text, html)

    def subject(self, data: RenderInput) -> str:
        """Render the subject alone."""
        scope = _scope(data, palette(data.brand.colours))
        template = self._envs[language_of(data.locale)].get_template(f"{data.kind.name}/subject.txt")
        return typeset_line(template.render(scope))

    def _body(self, env: Environment, name: str, form: str, scope: dict[str, object]) -> str:
        scope |= {"form": form, "letter": f"{name}/letter.{form}"}
        for part in ("kit", "phrases"):
            scope[part] = env.get_template(f"_base/{part}.{form}").make_module(scope)
        body = f"{name}/body.{form}"
        return env.get_template(body if body in self._own_bodies else f"_base/body.{form}").render(scope)


FOLDED_LINK: Final = "folded-"
"""Begins the names of a digest's links, each that of a mail that it lists."""


def _scope(data: RenderInput, colours: Palette) -> dict[str, object]:
    brand = data.brand
    say = formats_for(data.locale, data.timezone)
    return {
        "brand": brand,
        "palette": colours,
        "facts": data.facts,
        "links": {
            name: brand.link(link)
            for name, link in data.links.items()
            if name in data.kind.required_links or name.startswith(FOLDED_LINK)
        },
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
        return self._styles.inline(source), path, fresh


def _environment(loader: _OneSource, catalogue: TranslationCatalogue) -> Environment:
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


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class TranslatingGenerator(CodeGenerator):
    """Compiles translations into the template, so that no look-up is required per mail."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802  # Jinja's name
        """Compile `_("text", hole=value)` into text, value, text; other calls unchanged."""
        if not (isinstance(node.node, nodes.Name) and node.node.name == "_"):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        if len(node.args) != 1 or not isinstance(node.args[0], nodes.Const):
            raise TemplateAssertionError("only literals can be translated", node.lineno, self.name, self.filename)
        assert isinstance(self.environment, TranslatedEnvironment)
        text = self.environment.words.gettext(node.args[0].value)
        values = {pair.key: pair.value for pair in node.kwargs}
        parts = list(_parts(text, values, bool(frame.eval_ctx.autoescape)))
        self.visit(parts[0] if len(parts) == 1 else nodes.Concat(parts, lineno=node.lineno), frame)


class TranslatedEnvironment(Environment):
    """A Jinja environment for one language. `ngettext` is looked up per mail because it depends on a number."""

    code_generator_class = TranslatingGenerator

    def __init__(self, words: NullTranslations, **options: Any) -> None:
        super().__init__(**options)
        self.words = words
        self.globals["ngettext"] = _make_ngettext(words)


def _parts(text: str, values: Mapping[str, nodes.Expr], escaped: bool) -> list[nodes.Expr]:
    parts: list[nodes.Expr] = []
    for position, piece in enumerate(_PLACEHOLDER.split(text)):
        if position % 2:
            parts.append(values[piece])
        elif piece:
            parts.append(nodes.TemplateData(str(escape(piece)) if escaped else piece))
    return parts


def _make_ngettext(words: NullTranslations) -> Callable[..., str]:
    @pass_context
    def ngettext(context: Context, single: str, plural: str, num: int, /, **values: object) -> str:
        text = words.ngettext(single, plural, num)
        return (escape(text) if context.eval_ctx.autoescape else text) % values

    return ngettext
