"""Render the portal's pages in a brand and a language."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.responses import HTMLResponse

from kontor.mailer.brand import Brand, Colours, palette
from kontor.mailer.formatting import (
    FILTERS,
    LANGUAGES,
    TranslationCatalogue,
    formats_for,
    language_of,
    load_catalogue,
    load_catalogues,
)

TEMPLATES: Final = Path(__file__).resolve().parent.parent.parent / "templates"
NEUTRAL: Final = Colours()
N: Final = str
"""Marks a text for the message catalogues."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader's locale tag and IANA time zone."""

    locale: str = "en"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class SignInForm:
    """A sign-in below a link that is over. `next`: the page it leads to; `identifier`: whom a new link is mailed to."""

    next: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page to render: template, status, texts and brand (None: no name is shown)."""

    template: str
    status: int
    title: str
    brand: Brand | None = None
    reader: Reader = Reader()
    notice: str | None = None
    tone: str = "good"
    values: Mapping[str, object] | None = None
    sign_in: SignInForm | None = None


def in_language(locale: str, message: str) -> str:
    """Return an English text of the pages in the language of a locale, for a file."""
    return load_catalogue(language_of(locale), "pages").words.gettext(message)


class Pages:
    """Templates, compiled on first use, and translations. Safe to share between threads."""

    def __init__(self, templates: Path = TEMPLATES, folders: tuple[str, ...] = ("pages", "email")) -> None:
        self._env = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates / part) for part in folders]),
            autoescape=select_autoescape(("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters.update(FILTERS)
        mails = load_catalogues("mail")
        self._words = {
            language: _phrases(catalogue, mails[language]) for language, catalogue in load_catalogues("pages").items()
        }

    def text(self, locale: str, message: str) -> str:
        """Return an English message in the language of a locale."""
        return str(self._words[language_of(locale)]["gettext_plain"](message))

    def response(self, view: PublicPage, csrf: str | None = None) -> HTMLResponse:
        """Render a page. Titles and notices are English message ids, translated here.

        `csrf`: of a sign-in form on it; None for a browser that is signed in already.
        """
        return self.rendered(view, {**(view.values or {}), "sign_in": view.sign_in, "csrf": csrf}, _named(view))

    def rendered(
        self,
        view: PublicPage,
        values: Mapping[str, object],
        named: Mapping[str, str],
        headers: Mapping[str, str] = {},
        *,
        framed: bool = False,
        scripts: bool = False,
    ) -> HTMLResponse:
        """Render a page with values; `named` fills the placeholders of its title and notice, `scripts`: it has some."""
        nonce = secrets.token_urlsafe(16)
        words = self._words[language_of(view.reader.locale)]
        plain = words["gettext_plain"]
        scope = {
            "nonce": nonce,
            "language": language_of(view.reader.locale),
            "say": formats_for(view.reader.locale, view.reader.timezone),
            "brand": view.brand,
            "support": view.brand.support if view.brand and _has_any(view.brand) else None,
            "palette": palette(view.brand.colours if view.brand else NEUTRAL),
            "title": plain(view.title) % named,
            "notice": plain(view.notice) % named if view.notice else None,
            "tone": view.tone,
            **words,
            **values,
        }
        body = self._env.get_template(view.template).render(scope)
        return HTMLResponse(body, view.status, {**page_headers(nonce, scripts=scripts, framed=framed), **headers})


def _named(view: PublicPage) -> Mapping[str, str]:
    """Return the placeholders of titles."""
    account = (view.values or {}).get("account", "")
    return {"brand": view.brand.name if view.brand else "", "account": str(account)}


def page_headers(nonce: str, *, scripts: bool = False, framed: bool = False) -> dict[str, str]:
    """Return headers that keep the token in the URL private and foreign code out.

    `framed`: a page of our own shows it in a frame.
    """
    script = f"; script-src 'nonce-{nonce}'; connect-src 'self'" if scripts else ""
    ancestors = "'self'" if framed else "'none'"
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; frame-src 'self';"
        f" base-uri 'none'; frame-ancestors {ancestors}{script}"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN" if framed else "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


def _has_any(brand: Brand) -> bool:
    support = brand.support
    return bool(support.email or support.url or support.phone or support.text)


def _phrases(catalogue: TranslationCatalogue, mails: TranslationCatalogue) -> Mapping[str, Callable[..., str]]:
    """Return translation functions: texts of the pages, with those of mails as fallback."""
    words = catalogue.words
    words.add_fallback(mails.words)

    @pass_context
    def singular(context: Context, message: str, /, **values: object) -> str:
        return _filled(context, words.gettext(message), values)

    @pass_context
    def counted(context: Context, single: str, plural: str, num: int, /, **values: object) -> str:
        return _filled(context, words.ngettext(single, plural, num), {"num": num, **values})

    return {"_": singular, "gettext": singular, "ngettext": counted, "gettext_plain": words.gettext}


def _filled(context: Context, text: str, values: Mapping[str, object]) -> str:
    if context.eval_ctx.autoescape:
        return Markup(text) % values  # noqa: S704 -- our own texts; % escapes the values
    return text % values


def preferred_language(header: str) -> str:
    """Return the first supported language of an Accept-Language header, with its region."""
    for part in header.split(","):
        language = part.partition(";")[0].strip()
        if language.partition("-")[0].lower() in LANGUAGES:
            return language
    return "en"
