"""Services wired as a process wires them, with secrets, doorbells and password hashing fit for tests."""

from sqlalchemy.orm import Session

from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from adapters.smtp_fakes import FakeMailTransport
from domain.ports import Clock
from engine.enqueue import Jobs
from mail.build import MailBuilder
from mail.render import Renderer
from services import programme_files
from services.account_book import AccountBook
from services.dispatch import Dispatcher
from services.mail_rules import RULES
from services.offer_log import OfferBook
from services.programmes import Programmes
from services.tokens import Tokens
from store.schema import ROOT
from tasks.catalogue import catalogue
from tasks.mails import MailSending

SECRET = "a secret that only tests use"
PUBLIC_URL = "https://kontor.example"
EXAMPLES = ROOT / "examples" / "programmes"


def silent_jobs(clock: Clock) -> Jobs:
    """A ledger that rings no doorbell."""
    return Jobs(catalogue(), clock, SilentDoorbell())


def account_context(jobs: Jobs, programmes: Programmes | None = None) -> AccountBook:
    """The context of account services, with a cheap password hasher."""
    return AccountBook(jobs, programmes or Programmes(), Argon2Passwords.cheap())


def offer_context(jobs: Jobs, programmes: Programmes | None = None) -> OfferBook:
    """The context of offer services, signing with SECRET."""
    if programmes is None:
        return OfferBook(jobs, SECRET.encode())
    return OfferBook(jobs, SECRET.encode(), programmes)


def mail_handler(programmes: Programmes, transport: FakeMailTransport) -> MailSending:
    """The handler of `mail.send` with the real templates."""
    dispatcher = Dispatcher(RULES, Tokens(SECRET), programmes, PUBLIC_URL)
    return MailSending(dispatcher, MailBuilder(Renderer()), transport)


def apply_example(session: Session, code: str, clock: Clock) -> None:
    """Apply the example programme of that code."""
    source = (EXAMPLES / f"{code}.yaml").read_text()
    programme_files.apply(session, code, source, now=clock.now(), actor="test")
