"""Discount runs that wait for approval: reached from the overview, read with their movers, decided with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from kontor.http.context import Deps
from kontor.kernel.ids import new_id
from kontor.kernel.states import RunState
from models.control import AuditEntry
from models.discounts import DiscountChange, DiscountRun
from tests.integration.console.conftest import As
from tests.support.wiring import apply_example


@pytest.fixture
def held(deps: Deps) -> UUID:
    """A run that would move 40 of 100 resellers."""
    run_id = new_id()
    with deps.sessions() as session:
        apply_example(session, "hosting", deps.clock)
        session.add(
            DiscountRun(
                id=run_id,
                programme="hosting",
                day=date(2026, 3, 2),
                state=RunState.HELD,
                ranges=0,
                resellers=100,
                moved=40,
                guard_rail=Decimal(30),
                started_at=deps.clock.now(),
            )
        )
        session.flush()
        session.add(
            DiscountChange(
                run_id=run_id,
                reseller_id=new_id(),
                before=None,
                after="Partner #2",
                tomorrow="Partner #2",
                turnover=Decimal(5200),
                turnover_tomorrow=Decimal(5200),
                percent={},
                known_version=0,
                version=1,
                changed=True,
                moved=True,
                falls=False,
            )
        )
        session.commit()
    return run_id


@pytest.mark.parametrize(("verb", "state"), [("approve", "applying"), ("reject", "rejected")])
def test_held_run_is_decided_with_a_reason(held: UUID, verb: str, state: str, signed_in: As, deps: Deps) -> None:
    person, path = signed_in("operator"), f"/console/discount-runs/{held}"
    overview = person.get("/console").text
    assert "1 discount run waits for approval." in overview
    listed = person.get("/console/discount-runs?state=held").text
    assert f'href="{path}"' in listed
    page = person.get(path).text
    assert "40 of 100 resellers" in page
    assert "Partner #2" in page
    assert "5,200.00 RUB" in page
    assert "40 of 100 resellers change tier on 2026-03-02." in person.get(f"{path}/{verb}").text
    assert person.post(f"{path}/{verb}", {"reason": " "}).status_code == 422
    assert person.post(f"{path}/{verb}", {"reason": "spring sale"}).status_code == 303
    with deps.sessions() as session:
        run = session.get_one(DiscountRun, held)
        assert (run.state, run.decided_by, run.reason) == (state, "operator:operator@kontor.example", "spring sale")
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == f"discounts.{verb}")).one()
        assert entry.reason == "spring sale"
    assert person.post(f"{path}/{verb}", {"reason": "twice"}).status_code == 409
    assert "waits for approval" not in person.get("/console").text


def test_viewer_decides_no_run(held: UUID, signed_in: As) -> None:
    person, path = signed_in("viewer"), f"/console/discount-runs/{held}"
    assert person.get(path).status_code == 200
    assert person.post(f"{path}/approve", {"reason": "mine"}).status_code == 403
    assert "No run matches." in person.get("/console/discount-runs?state=done").text
    assert person.http.get("/console/discount-runs?day=never").status_code == 422
