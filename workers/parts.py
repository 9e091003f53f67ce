"""Parts that several processes are put together from."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.engine import make_url

from adapters.clock import SystemClock
from adapters.dkim import signer_from_file
from adapters.environment import SettingsError
from adapters.http import PinnedHttp
from adapters.ledger_clock import LedgerClock
from adapters.sealer import FernetSealer
from adapters.settings import Settings
from adapters.signed_calls import SignedCalls
from adapters.smtp import SmtpTransport
from domain.addresses import may_connect
from domain.ports import Clock
from engine.catalogue import Catalogue
from engine.enqueue import Jobs
from engine.handlers import Handler
from mail.build import MailBuilder
from mail.render import Renderer
from services.dispatch import Dispatcher
from services.mail_rules import RULES
from services.offer_log import OfferBook
from services.programmes import Programmes
from services.tokens import Tokens
from tasks.catalogue import Ports, all_handlers, catalogue


def clock_for(settings: Settings) -> Clock:
    """The system clock, or the test clock where the settings turn it on."""
    if not settings.test_clock:
        return SystemClock()
    url = make_url(settings.database_url).set(drivername="postgresql")
    return LedgerClock(url.render_as_string(hide_password=False), settings.test_clock_start)


def programme_time(settings: Settings) -> datetime:
    """Programme time now, leaving no connection behind."""
    clock = clock_for(settings)
    try:
        return clock.now()
    finally:
        if isinstance(clock, LedgerClock):
            clock.close()


def handlers_for(settings: Settings, clock: Clock, jobs: Jobs) -> Sequence[Handler]:
    """Every handler of the deployment with its adapters."""
    programmes = Programmes()
    tokens = Tokens(settings.secret_key)
    http = PinnedHttp(callable_addresses(settings), plain_http=settings.allow_private_instances)
    ports = Ports(
        sleep=time.sleep,
        book=OfferBook(jobs, settings.secret_key.encode(), programmes),
        sender=SignedCalls(http, clock),
        sealer=FernetSealer(settings.secret_key),
        clock=clock,
        dispatcher=Dispatcher(RULES, tokens, programmes, settings.public_url),
        builder=mail_builder(settings, clock),
        transport=SmtpTransport(settings.smtp_url),
    )
    return all_handlers(ports)


def mail_builder(settings: Settings, clock: Clock) -> MailBuilder:
    """Builds mails, signed when the settings name a key. Raises SettingsError."""
    if settings.dkim_key is None:
        return MailBuilder(Renderer())
    if settings.dkim_domain is None:
        raise SettingsError("KONTOR_DKIM_DOMAIN is missing: name the domain that KONTOR_DKIM_KEY signs for")
    signer = signer_from_file(settings.dkim_key, settings.dkim_domain, settings.dkim_selector, clock.real)
    return MailBuilder(Renderer(), signer)


def callable_addresses(settings: Settings) -> Callable[[str], bool]:
    """Which addresses outgoing calls may connect to."""
    return (lambda address: True) if settings.allow_private_instances else may_connect


def catalogue_for(settings: Settings) -> Catalogue:
    """What every process knows of the tasks."""
    return catalogue()
