"""The staff's console: forms of other sites, redirects, roles, and passwords guessed."""

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from devtools.demo.deployment import check
from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget
from tests.attack.tenants import create_tenant

HIDDEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
WORD: Final = "an operator's own long word"
ELSEWHERE: Final = (
    "//evil.example", "https://evil.example/", "/\\evil.example", "/console//evil.example", "javascript:alert(1)",
    "/%2F%2Fevil.example", "\thttps://evil.example", "/console@evil.example", "https:evil.example", "/\t/evil.example",
    "/console/../../evil.example", "http:///evil.example",
)  # fmt: skip
ADMIN_FORMS: Final = {
    "/console/people": {"email": "thief@evil.example", "role": "admin"},
    "/console/keys": {"name": "thief", "scope-admin": "on", "scope-read": "on"},
    "/console/limits": {"limit": "clients", "value": "1000000"},
}
GUESSES: Final = 60


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser at the console."""

    http: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Get a page, following redirects."""
        return self.http.get(path, follow_redirects=True)

    def csrf(self) -> str:
        """Return the token of this session's forms."""
        return str(dict(HIDDEN.findall(self.get("/console").text)).get("csrf", ""))

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Post a form of the console's own."""
        return self.http.post(path, data={"csrf": self.csrf(), **form})

    def log_in(self, email: str, word: str, next_page: str = "") -> httpx.Response:
        """Fill in the form of sign-in."""
        form = dict(HIDDEN.findall(self.http.get("/console/login", params={"next": next_page}).text))
        return self.http.post("/console/login", data={**form, "email": email, "password": word})


def browser(target: AttackTarget) -> BrowserSession:
    """Return a browser without a session."""
    return BrowserSession(httpx.Client(base_url=target.deployment.url, timeout=30, trust_env=False, verify=False))


def create_operator(target: AttackTarget, role: str) -> tuple[str, str]:
    """Create an operator who changed the first password; returns address and password."""
    email = f"{role}-{secrets.token_hex(4)}@kontor.example"
    first = target.deployment.kontor("operator", "create", "--email", email, "--role", role)["password"]
    fresh = browser(target)
    fresh.log_in(email, first)
    form = dict(HIDDEN.findall(fresh.get("/console/password").text))
    changed = fresh.http.post("/console/password", data={**form, "old": first, "new": WORD})
    check(f"the first password is changed: {changed.status_code}", changed.status_code == httpx.codes.SEE_OTHER)
    return email, WORD


def sign_in(target: AttackTarget, role: str) -> BrowserSession:
    """Return a browser in which a new operator is signed in."""
    email, word = create_operator(target, role)
    signed_in = browser(target)
    answer = signed_in.log_in(email, word)
    check(f"{role} signs in: {answer.status_code}", answer.status_code == httpx.codes.SEE_OTHER)
    return signed_in


def forms_of_other_sites(target: AttackTarget, attempts: Attempts) -> None:
    """Post the console's forms without a session, and with no, a foreign and an invented token."""
    admin, other, viewer = sign_in(target, "admin"), sign_in(target, "admin"), sign_in(target, "viewer")
    tenant = create_tenant(target, "formed")
    job = tenant.ids["job_id"]
    forms = {
        **ADMIN_FORMS,
        f"/console/jobs/{job}/retry": {"reason": "forged"},
        f"/console/jobs/{job}/again": {"args": "{}", "reason": "forged"},
        f"/console/mail/{tenant.ids['mail_id']}/again": {"reason": "forged"},
        "/console/queues/probe/pause": {"reason": "forged"},
        "/console/schedules/offers.expire/run": {"reason": "forged"},
        f"/console/accounts/{tenant.client}/suspend": {"reason": "forged"},
        "/console/bulk": {"action": "cancel", "reason": "forged"},
        "/console/password": {"old": WORD, "new": "another long enough word"},
        "/console/logout": {},
        "/console/theme": {"theme": "dark"},
    }
    foreign = other.csrf()
    for path, form in forms.items():
        answer = browser(target).http.post(path, data=form)
        away = answer.is_client_error or "/console/login" in answer.headers.get("location", "")
        attempts.held(f"nobody: {path}", away, answer.status_code)
        for word, token in (("no token", ""), ("foreign token", foreign), ("invented token", "A" * 43)):
            answer = admin.http.post(path, data={**form, "csrf": token})
            attempts.status(f"{word}: {path}", answer, 403, 404)
        if path not in {"/console/logout", "/console/theme", "/console/password"}:
            attempts.status(f"viewer: {path}", viewer.post(path, dict(form)), 403, 404)
    attempts.status("still signed in", admin.http.get("/console"), 200)


def redirects(target: AttackTarget, attempts: Attempts) -> None:
    """Have the console send a browser to another site, and links name another host."""
    email, word = create_operator(target, "viewer")
    for elsewhere in ELSEWHERE:
        answer = browser(target).log_in(email, word, elsewhere)
        _stays(attempts, f"login, next={elsewhere!r}", answer)
        signed_in = browser(target)
        signed_in.log_in(email, word)
        _stays(attempts, f"theme, back={elsewhere!r}", signed_in.post("/console/theme", {"back": elsewhere}))
    for header in ("Host", "X_Forwarded_Host", "X_Original_Host", "Forwarded"):
        for path in ("/", "/console", "/v1/jobs/", "/docs", "/offers/nothing", "/activate/nothing"):
            answer = target.call(None, f"GET {path}", **{header: "evil.example"})
            location = answer.headers.get("location", "")
            attempts.absent(f"{header}: {path}", f"{answer.text} {location}", "evil.example")


def _stays(attempts: Attempts, what: str, answer: httpx.Response) -> None:
    location = answer.headers.get("location", "")
    within = location.startswith("/") and urlsplit(urljoin("https://here.example", location)).netloc == "here.example"
    within = within and "\\" not in location
    attempts.held(what, within or answer.is_client_error, location)


def guessed_passwords(target: AttackTarget, attempts: Attempts) -> None:
    """Guess an operator's password, and lock the right person out by doing so."""
    email, word = create_operator(target, "operator")
    owner = browser(target)
    owner.log_in(email, word)
    owner.post("/console/logout", {})
    statuses = []
    for number in range(GUESSES if not target.short else 8):
        answer = browser(target).log_in(email, f"a guess, number {number}")
        statuses.append(answer.status_code)
        attempts.held(f"guess {number}", not answer.is_redirect, answer.status_code)
    attempts.held("guesses are limited", 429 in statuses, statuses)
    answer = browser(target).log_in(email, word)
    attempts.status("the right password from the guesser's own network", answer, 429)
    answer = owner.log_in(email, word)
    attempts.held("the owner's device signs in during the attack", answer.is_redirect, answer.status_code)
    for forwarded in ("8.8.8.8", "203.0.113.7, 8.8.8.8"):
        guesser = browser(target)
        guesser.http.headers["X-Forwarded-For"] = forwarded
        attempts.status(f"another network typed: {forwarded}", guesser.log_in(email, "another guess"), 429)
    usual, strange = (browser(target).log_in(f"{local}@kontor.example", "x" * 20) for local in ("admin", "nobody"))
    attempts.held("a known and an unknown address", usual.status_code == strange.status_code, usual.status_code)
