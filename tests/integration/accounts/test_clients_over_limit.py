"""A reseller's list of clients: what "over the limit" lists, and what its cursor may name."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from kontor.accounts import client_list
from kontor.accounts import service as accounts
from kontor.accounts.client_filter import ClientFilter, ClientSort, ClientState
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.kernel.errors import Invalid
from tests.support.trials import TrialScenario

OVER = ClientFilter(states=frozenset({ClientState.OVER_QUOTA}))


@pytest.fixture
def salons(engine: Engine) -> Iterator[TrialScenario]:
    """A reseller of `booking`, whose free plan allows 50 appointments a month."""
    scenario = TrialScenario(engine, ManualClock())
    with scenario.inline:
        yield scenario


def listed(salons: TrialScenario, limit: int = 50) -> set[str]:
    """The names that all pages of the filter list."""
    names, cursor = list[str](), None
    while True:
        with salons.transaction() as session:
            page = client_list.page(
                session, salons.ctx.programmes, salons.reseller, OVER, salons.clock.now(), cursor, limit
            )
            names += [account.name for account in page.items]
        cursor = page.next
        if cursor is None:
            assert len(names) == len(set(names))
            return set(names)


def client_with(salons: TrialScenario, name: str, *reports: tuple[str, int]) -> UUID:
    """A client with reports of appointments."""
    account = salons.another(name, f"{name.lower()}@salons.example")
    for kind, amount in reports:
        salons.report(kind, amount, account_id=account)
    return account


def test_client_is_listed_when_its_usage_is_above_the_limit_of_its_plan(salons: TrialScenario) -> None:
    client_with(salons, "Full", ("value", 50))
    client_with(salons, "Level", ("value", 51))
    client_with(salons, "Sum", ("delta", 30), ("delta", 21))
    client_with(salons, "Both", ("value", 45), ("delta", 6))
    client_with(salons, "Fallen", ("delta", 60), ("delta", -20))
    client_with(salons, "Lowered", ("value", 60), ("value", 20))
    salons.take_plan("basic", client_with(salons, "Paid", ("value", 51)))
    salons.start(client_with(salons, "Trial", ("value", 51)))
    assert listed(salons) == listed(salons, limit=1) == {"Level", "Sum", "Both"}


def test_client_is_listed_in_a_new_month_when_a_level_carries_over(salons: TrialScenario) -> None:
    client_with(salons, "Level", ("value", 51))
    client_with(salons, "Sum", ("delta", 51))
    both = client_with(salons, "Both", ("value", 45))
    salons.set(salons.clock.now() + timedelta(days=90))
    assert listed(salons) == {"Level"}
    salons.report("delta", 6, account_id=both)
    assert listed(salons) == {"Level", "Both"}


@pytest.mark.parametrize("sort", ClientSort)
def test_list_begins_after_a_client_of_its_own_alone(salons: TrialScenario, sort: ClientSort) -> None:
    with salons.transaction() as session:
        other = accounts.create(salons.ctx, session, NewAccount("booking", "Else", "else@other.example"))
    for stranger in (other.id, salons.reseller):
        with pytest.raises(Invalid) as refused, salons.transaction() as session:
            client_list.page(
                session, salons.ctx.programmes, salons.reseller, ClientFilter(sort=sort), salons.clock.now(),
                str(stranger), 10,
            )  # fmt: skip
        assert [error.loc for error in refused.value.errors] == ["cursor"]
