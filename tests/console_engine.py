"""A worker in the test's own thread with every handler, a customer's side and a post office in memory."""

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
class Works:
    """The engine, and what it reached outside."""

    inline: Inline
    http: FakeHttp
    post: FakeMailTransport


@contextmanager
def works(deps: Deps, **options: Any) -> Iterator[Works]:
    """Everything a worker process has, over the database and the clock of `deps`; `options` as Inline takes them."""
    http, post = FakeHttp(), FakeMailTransport()
    ports = Ports(
        sleep=lambda _: None,
        book=OfferBook(deps.jobs, deps.offer_secret, deps.programmes),
        sender=SignedCalls(http, deps.clock),
        sealer=deps.sealer,
        clock=deps.clock,
        dispatcher=Dispatcher(RULES, deps.tokens, deps.programmes, deps.public_url),
        builder=MailBuilder(Renderer()),
        transport=post,
    )
    with Inline(deps.engine, all_handlers(ports), deps.clock, **options) as inline:
        yield Works(inline, http, post)
