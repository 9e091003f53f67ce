"""Dependencies shared by several processes."""

import time
from collections.abc import Callable, Sequence

from adapters.dkim import signer_from_file
from adapters.environment import SettingsError
from adapters.http import PinnedHttp
from adapters.sealer import FernetSealer
from adapters.settings import Settings
from adapters.signed_calls import SignedCalls
from adapters.smtp import SmtpTransport
from adapters.smtp_address import smtp_address
from adapters.traced import TracedHttp, TracedMail
from domain.addresses import may_connect
from domain.mailing import MailTransport
from domain.ports import Clock, HttpSender
from domain.tracing import Tracer
from engine.enqueue import Jobs
from engine.handlers import Handler
from mail.build import MailBuilder
from mail.render import Renderer
from services.dispatch import Dispatcher
from services.mail_rules import RULES
from services.offer_log import OfferBook
from services.programmes import Programmes
from services.tokens import Tokens
from tasks.catalogue import Ports, all_handlers


def handlers_for(settings: Settings, clock: Clock, jobs: Jobs, tracer: Tracer | None = None) -> Sequence[Handler]:
    """Build all handlers of the deployment with their adapters."""
    programmes = Programmes()
    tokens = Tokens(settings.secret_key)
    http, transport = outside(settings, tracer)
    ports = Ports(
        sleep=time.sleep,
        book=OfferBook(jobs, settings.secret_key.encode(), programmes),
        sender=SignedCalls(http, clock),
        sealer=FernetSealer(settings.secret_key),
        clock=clock,
        dispatcher=Dispatcher(RULES, tokens, programmes, settings.public_url),
        builder=mail_builder(settings, clock),
        transport=transport,
    )
    return all_handlers(ports)


def outside(settings: Settings, tracer: Tracer | None) -> tuple[HttpSender, MailTransport]:
    """Build the adapters for outgoing HTTP calls and mail."""
    http = PinnedHttp(callable_addresses(settings), plain_http=settings.allow_private_instances)
    transport = SmtpTransport(settings.smtp_url)
    if tracer is None:
        return http, transport
    return TracedHttp(http, tracer), TracedMail(transport, tracer, smtp_address(settings.smtp_url))


def mail_builder(settings: Settings, clock: Clock) -> MailBuilder:
    """Return the mail builder, with a DKIM signer if the settings name a key. Raises SettingsError."""
    if settings.dkim_key is None:
        return MailBuilder(Renderer())
    if settings.dkim_domain is None:
        raise SettingsError("KONTOR_DKIM_DOMAIN is missing: name the domain that KONTOR_DKIM_KEY signs for")
    signer = signer_from_file(settings.dkim_key, settings.dkim_domain, settings.dkim_selector, clock.real)
    return MailBuilder(Renderer(), signer)


def callable_addresses(settings: Settings) -> Callable[[str], bool]:
    """Return the check of addresses that outgoing calls may connect to."""
    return (lambda address: True) if settings.allow_private_instances else may_connect
