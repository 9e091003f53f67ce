"""The portal on this test's database, in the provider's brand."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import api, build_deps, clock, make_accounts
from tests.support.portal import PortalClient, set_password

__all__ = ["api", "clock", "make_accounts"]


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """The dependencies of a web process whose host is reached over http, as on a developer's machine."""
    with ThreadPoolExecutor(4) as threads:
        yield replace(build_deps(engine, clock, threads), public_url="http://127.0.0.1")


@pytest.fixture
def elbe(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    """A reseller with a client; both have PASSWORD."""
    made = make_accounts("elbe")
    for account in (made.reseller, made.client):
        set_password(api, account)
    return made


@pytest.fixture
def visitor(api: Api) -> Iterator[PortalClient]:
    """A browser that has not signed in."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        yield PortalClient(http)
