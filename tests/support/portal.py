"""A browser without scripts on the portal, and people who can sign in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from uuid import UUID

import httpx
from sqlalchemy import select

from kontor.mails.resend import RULES
from models.mails import Mail
from tests.support.api import Api

PASSWORD = "a password for the portal"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class PortalClient:
    """A browser session on the portal."""

    http: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Get a page."""
        return self.http.get(path)

    def csrf(self, path: str = "/login") -> str:
        """The csrf secret of a page's forms."""
        shown = self.http.get(path, follow_redirects=True).text
        return str(dict(HIDDEN.findall(shown))["csrf"])

    def post(
        self, path: str, data: Mapping[str, str] | None = None, *, page: str = "/account/password"
    ) -> httpx.Response:
        """Post a form with the csrf secret of a page."""
        return self.http.post(path, data={"csrf": self.csrf(page), **(data or {})})

    def sign_in(self, identifier: str, password: str = PASSWORD, following: str = "") -> httpx.Response:
        """Fill in the sign-in form."""
        data = {"identifier": identifier, "password": password, "next": following}
        return self.http.post("/login", data={"csrf": self.csrf(), **data})


def error_of(answer: httpx.Response, field: str) -> str:
    """The message beside a field; empty without one."""
    shown = re.search(rf'id="error-{field}"[^>]*>([^<]*)<', answer.text)
    return unescape(shown[1]) if shown else ""


def page_of(answer: httpx.Response) -> str:
    """The name of a page."""
    shown = re.search(r'data-page="([^"]*)"', answer.text)
    return shown[1] if shown else ""


def set_password(api: Api, account: UUID, password: str = PASSWORD) -> None:
    """Give an account a password."""
    api.ok(f"PATCH /v1/accounts/{account}", {"password": password})


def mailed_path(api: Api, template: str, role: str | None = None) -> str:
    """The path of the link in the newest mail of a kind; of a changed address, that to the `old` or `new` one."""
    with api.deps.sessions() as session:
        query = select(Mail).where(Mail.template == template).order_by(Mail.id.desc())
        mail = session.scalars(query if role is None else query.where(Mail.facts["told"].astext == role)).first()
        assert mail is not None
        rule = RULES[template].links
        assert rule is not None
        return next(iter(rule(session, api.deps.tokens, mail).values()))
