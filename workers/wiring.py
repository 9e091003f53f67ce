"""Dependencies shared by several processes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from kontor.adapters.dkim import signer_from_file
from kontor.adapters.http import HandlerHttp, PinnedHttp, SignedCalls
from kontor.adapters.network import DnsTxt
from kontor.adapters.sandbox import RESULT, CaughtMail, SimulatedHttp
from kontor.adapters.secrets import DataKeyBox
from kontor.adapters.settings import Settings, SettingsError
from kontor.adapters.smtp import SmtpTransport
from kontor.adapters.smtp_pool import smtp_address
from kontor.adapters.traced_clients import TracedHttp, TracedMail, TracedReader
from kontor.context import Context, Secrets
from kontor.engine.catalogue import Payload
from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import Done, Handler, JobContext, Outcome
from kontor.kernel.addresses import lies_in, may_connect
from kontor.kernel.identity import IdentityProvider
from kontor.kernel.ports import Clock, HttpReader, HttpSender, MailTransport
from kontor.kernel.tokens import Tokens
from kontor.kernel.tracing import Tracer
from kontor.mailer.build import MailBuilder
from kontor.mailer.identity import Addressee
from kontor.mailer.render import Renderer
from kontor.mails.dispatch import Dispatcher
from kontor.mails.resend import RULES
from kontor.programme.service import Programmes
from tasks.catalogue import FAMILIES
from tasks.deps import HandlerDeps
from tasks.packages import handlers_of
from tasks.registry import all_handlers
from workers.connections import DatabaseKeys


def dispatcher_of(settings: Settings, tokens: Tokens, programmes: Programmes) -> Dispatcher:
    """Build what plans the sending of mails."""
    own = settings.operator_from and Addressee(*settings.operator_from)
    return Dispatcher(RULES, tokens, programmes, settings.public_url, settings.console_url, own)


def handlers_for(settings: Settings, clock: Clock, jobs: Jobs, tracer: Tracer | None = None) -> Sequence[Handler]:
    """Build all handlers of the deployment with their adapters."""
    programmes = Programmes(clock)
    tokens, keys = tokens_of(settings), DatabaseKeys(settings)
    http, reader, transport = adapters_for(settings, tracer)
    ports = HandlerDeps(
        sleep=time.sleep,
        ctx=Context(jobs, programmes, Secrets(keys)),
        sender=SignedCalls(http, clock),
        secret_box=DataKeyBox(keys, settings.secret_keys),
        clock=clock,
        dispatcher=dispatcher_of(settings, tokens, programmes),
        builder=mail_builder(settings, clock),
        transport=transport,
        txt=DnsTxt(),
        reader=reader,
        handler_sender=SignedCalls(http if settings.in_sandbox else handler_http(settings, tracer), clock),
        webhook_sender=SignedCalls(outbound_adapters(settings, tracer)[0], clock) if settings.in_sandbox else None,
    )
    return all_handlers(ports)


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """In a sandbox, the handler of a task of an installed package: each job succeeds, and no code of theirs runs."""

    payload: type[Payload]

    def run(self, job: JobContext, session: Session, payload: Payload) -> Outcome:
        """Succeed."""
        return Done(dict(RESULT))

    claim = run
    """A task with an external effect ends where it would be planned."""


def installed_handlers(settings: Settings) -> Sequence[Handler]:
    """Return the handlers of the installed packages with tasks. Raises Invalid."""
    installed = handlers_of(settings.task_packages, FAMILIES)
    return [SimulatedTask(handler.payload) for handler in installed] if settings.in_sandbox else installed


def tokens_of(settings: Settings) -> Tokens:
    """Build the tokens of links, signed with the newest key and accepted with any listed."""
    newest, *former = settings.secret_keys
    return Tokens(newest, tuple(former))


def identity_provider(settings: Settings, clock: Clock) -> IdentityProvider | None:
    """Build the adapter of the identity provider; None without one."""
    if settings.identity_provider is None:
        return None
    from kontor.adapters.oidc import OidcProvider

    return OidcProvider(settings.identity_provider, clock.wall_time)


def outbound_adapters(settings: Settings, tracer: Tracer | None) -> tuple[HttpSender, HttpReader, MailTransport]:
    """Build the adapters for outgoing HTTP calls and mail."""
    http = PinnedHttp(callable_addresses(settings), plain_http=settings.allow_private_instances)
    transport = SmtpTransport(settings.smtp_url)
    if tracer is None:
        return http, http, transport
    mail = TracedMail(transport, tracer, smtp_address(settings.smtp_url))
    return TracedHttp(http, tracer), TracedReader(http, tracer), mail


def adapters_for(settings: Settings, tracer: Tracer | None) -> tuple[HttpSender, HttpReader, MailTransport]:
    """Build the adapters for instances, files and mail; in a sandbox instances are simulated and mails caught."""
    if not settings.in_sandbox:
        return outbound_adapters(settings, tracer)
    http = SimulatedHttp()
    return http, http, CaughtMail()


def handler_http(settings: Settings, tracer: Tracer | None) -> HttpSender:
    """Build the adapter for calls to handlers of declared tasks: public addresses, and those of HANDLER_NETWORKS."""
    http = HandlerHttp(may_connect, partial(lies_in, networks=settings.handler_networks))
    return http if tracer is None else TracedHttp(http, tracer)


def mail_builder(settings: Settings, clock: Clock) -> MailBuilder:
    """Return the mail builder, with a DKIM signer if the settings name a key. Raises SettingsError."""
    if settings.dkim_key is None:
        return MailBuilder(Renderer())
    if settings.dkim_domain is None:
        raise SettingsError("KONTOR_DKIM_DOMAIN is missing: name the domain that KONTOR_DKIM_KEY signs for")
    signer = signer_from_file(settings.dkim_key, settings.dkim_domain, settings.dkim_selector, clock.wall_time)
    return MailBuilder(Renderer(), signer)


def callable_addresses(settings: Settings) -> Callable[[str], bool]:
    """Return the check of addresses that outgoing calls may connect to."""
    return (lambda address: True) if settings.allow_private_instances else may_connect
