"""A worker in the test's thread with every handler, over a fake HTTP network and a fake mail transport."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kontor.adapters.fakes import FakeHttp, FakeMailTransport
from kontor.adapters.http import SignedCalls
from kontor.adapters.network import FixedTxt
from kontor.engine.runner import Runner
from kontor.engine.testing import InlineWorker, MemoryPullHints
from kontor.http.context import Deps
from kontor.kernel.ports import HttpSender
from kontor.mails.dispatch import Dispatcher
from kontor.mails.resend import RULES
from kontor.provisioning.service import ServiceEndings
from kontor.task_types import registry as task_types
from kontor.webhooks.job_events import JOB_END_EVENTS
from tasks.deps import HandlerDeps
from tasks.registry import all_handlers
from tests.support.wiring import mail_builder


@dataclass(frozen=True, slots=True)
class WorkerHarness:
    """An inline worker and its fake outside world."""

    inline: InlineWorker
    http: FakeHttp
    mail_transport: FakeMailTransport


@contextmanager
def running_worker(
    deps: Deps, *, network: HttpSender | None = None, handlers: HttpSender | None = None, **options: Any
) -> Iterator[WorkerHarness]:
    """Wire a worker process over the database and clock of `deps`; `options` are passed to Inline.

    `network`: what makes its calls, by default a fake one; `handlers`: those to handlers of declared tasks.
    """
    http, mail_transport = FakeHttp(), FakeMailTransport()
    ports = HandlerDeps(
        sleep=lambda _: None,
        ctx=deps.context(deps.jobs),
        sender=SignedCalls(network or http, deps.clock),
        secret_box=deps.secret_box,
        clock=deps.clock,
        dispatcher=Dispatcher(RULES, deps.tokens, deps.programmes, deps.public_url),
        builder=mail_builder(),
        transport=mail_transport,
        txt=FixedTxt({}),
        reader=http,
        handler_sender=None if handlers is None else SignedCalls(handlers, deps.clock),
    )
    with InlineWorker(deps.engine, all_handlers(ports), deps.clock, secret_box=deps.secret_box, **options) as inline:
        if isinstance(deps.pull_hints, MemoryPullHints):
            inline.bells.pull_hints = deps.pull_hints
        inline.registry.catalogue.subscribe(ServiceEndings(deps.programmes))
        inline.registry.catalogue.subscribe(JOB_END_EVENTS)
        refresh = partial(task_types.refresh, catalogue=inline.registry.catalogue)
        inline.runtime = replace(inline.runtime, refresh=refresh)
        inline.runner, inline.relay.refresh = Runner(inline.runtime), refresh
        yield WorkerHarness(inline, http, mail_transport)
