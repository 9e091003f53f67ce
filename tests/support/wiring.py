"""Services wired as a process wires them, with secrets, doorbells and password hashing fit for tests."""

from functools import lru_cache

from sqlalchemy.orm import Session

from kontor.adapters.fakes import FakeHttp, FakeMailTransport
from kontor.adapters.http import SignedCalls
from kontor.adapters.network import FixedTxt
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords, DerivedKeys, FernetSecretBox
from kontor.context import Context, Secrets
from kontor.engine.enqueue import Jobs
from kontor.kernel.ports import CallSender, Clock, MailTransport
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mailer.render import Renderer
from kontor.mails.dispatch import Dispatcher
from kontor.mails.resend import RULES
from kontor.programme import files
from kontor.programme.service import Programmes
from tasks.catalogue import catalogue
from tasks.deps import HandlerDeps
from tasks.mails import MailSendHandler
from workers.migrations import ROOT

SECRET = "a secret that only tests use and that is long enough"
PUBLIC_URL = "https://kontor.example"
EXAMPLES = ROOT / "examples" / "programmes"


def silent_jobs(clock: Clock) -> Jobs:
    """A ledger that rings no doorbell and seals with SECRET."""
    return Jobs(catalogue(), clock, SilentRelayHint(), secret_box=FernetSecretBox(SECRET))


def context_for(jobs: Jobs, programmes: Programmes | None = None) -> Context:
    """The context of use cases: offers signed with SECRET, a cheap password hasher."""
    return Context(jobs, programmes or Programmes(jobs.clock), Secrets(DerivedKeys(SECRET), Argon2Passwords.cheap()))


@lru_cache(maxsize=1)
def mail_builder() -> MailBuilder:
    """The builder of every test: a process compiles a template once."""
    return MailBuilder(Renderer())


def mail_handler(programmes: Programmes, transport: FakeMailTransport) -> MailSendHandler:
    """The handler of `mail.send` with the real templates."""
    dispatcher = Dispatcher(RULES, Tokens(SECRET), programmes, PUBLIC_URL)
    return MailSendHandler(dispatcher, mail_builder(), transport)


def handler_deps(ctx: Context, sender: CallSender | None = None, transport: MailTransport | None = None) -> HandlerDeps:
    """The dependencies of handlers, by default with fakes for the outside world."""
    clock = ctx.jobs.clock
    return HandlerDeps(
        sleep=lambda _: None,
        ctx=ctx,
        sender=sender or SignedCalls(FakeHttp(), clock),
        secret_box=FernetSecretBox(SECRET),
        clock=clock,
        dispatcher=Dispatcher(RULES, Tokens(SECRET), ctx.programmes, PUBLIC_URL),
        builder=mail_builder(),
        transport=transport or FakeMailTransport(),
        txt=FixedTxt({}),
        reader=FakeHttp(),
    )


def apply_example(session: Session, code: str, clock: Clock) -> None:
    """Apply the example programme of that code."""
    source = (EXAMPLES / f"{code}.yaml").read_text()
    files.apply(session, code, source, now=clock.now(), actor="test")
