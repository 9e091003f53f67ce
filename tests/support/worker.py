"""A worker in the test's thread with every handler, over a fake HTTP network and a fake mail transport."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.http_fakes import FakeHttp
from adapters.signed_calls import SignedCalls
from adapters.smtp_fakes import FakeMailTransport
from api.deps import Deps
from engine.testing import Inline
from mail.build import MailBuilder
from mail.render import Renderer
from services.dispatch import Dispatcher
from services.mail_rules import RULES
from services.offer_log import OfferBook
from tasks.catalogue import Ports, all_handlers


@dataclass(frozen=True, slots=True)
class WorkerHarness:
    """An inline worker and its fake outside world."""

    inline: Inline
    http: FakeHttp
    mail_transport: FakeMailTransport


@contextmanager
def running_worker(deps: Deps, **options: Any) -> Iterator[WorkerHarness]:
    """Wire a worker process over the database and clock of `deps`; `options` are passed to Inline."""
    http, mail_transport = FakeHttp(), FakeMailTransport()
    ports = Ports(
        sleep=lambda _: None,
        book=OfferBook(deps.jobs, deps.offer_secret, deps.programmes),
        sender=SignedCalls(http, deps.clock),
        sealer=deps.sealer,
        clock=deps.clock,
        dispatcher=Dispatcher(RULES, deps.tokens, deps.programmes, deps.public_url),
        builder=MailBuilder(Renderer()),
        transport=mail_transport,
    )
    with Inline(deps.engine, all_handlers(ports), deps.clock, **options) as inline:
        yield WorkerHarness(inline, http, mail_transport)
