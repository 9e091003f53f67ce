"""A running Kontor for the walks of a module, and a browser in which a person walks through it."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine

from kontor.adapters.fakes import ManualClock
from tests.browser.mail_pictures import browser
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.conftest import Servers, copied
from tests.support.api import Api, running_server
from tests.support.api_fixtures import build_deps
from tests.support.worker import running_worker
from workers.web_app import build

WIDE, PHONE = 1280, 360
CROSSED = (Visitor(scripts=True, width=PHONE), Visitor(scripts=False, width=WIDE))
"""The other two ways to look, for whoever wants the pictures: a walk takes seconds, and CI has few."""

VISITORS = (
    Visitor(scripts=True, width=WIDE),
    Visitor(scripts=False, width=PHONE),
    *(CROSSED if "KONTOR_WALKS" in os.environ else ()),
)
Enter = Callable[[str, str], Walker]


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    """Chromium."""
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def kontor(servers: Servers, template: str) -> Iterator[Kontor]:
    """Web process, worker and scheduler on a database of this module."""
    clock = ManualClock()
    with ExitStack() as stack:
        engine = create_engine(stack.enter_context(copied(servers, template)))
        stack.callback(engine.dispose)
        threads = stack.enter_context(ThreadPoolExecutor(4))
        deps = replace(build_deps(engine, clock, threads), public_url="http://127.0.0.1")
        app = build(deps)
        base = stack.enter_context(running_server(app))
        http = stack.enter_context(httpx.Client(base_url=base, timeout=30, verify=False))
        worker = stack.enter_context(running_worker(deps))
        api = Api(http, deps, app)
        yield Kontor(api, worker, clock, api.key())


@pytest.fixture(params=VISITORS, ids=str)
def visitor(request: pytest.FixtureRequest) -> Visitor:
    """How somebody looks at the portal: with scripts or without, at a desk or on a phone."""
    chosen: Visitor = request.param
    return chosen


@pytest.fixture
def enter(running: Browser, kontor: Kontor, visitor: Visitor) -> Iterator[Enter]:
    """Open a browser profile of a person, whose language is that of a locale."""
    with ExitStack() as stack:

        def opened(locale: str, person: str) -> Walker:
            context = running.new_context(
                base_url=str(kontor.api.http.base_url),
                locale=locale,
                java_script_enabled=visitor.scripts,
                viewport={"width": visitor.width, "height": 740},
            )
            stack.callback(context.close)
            context.set_default_timeout(10_000)
            return Walker(context.new_page(), f"{locale[:2]}-{person}-{visitor}")

        yield opened
