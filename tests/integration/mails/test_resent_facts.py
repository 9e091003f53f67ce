"""A resent mail has current facts: days left, effect of accepting, usage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict
from kontor.mails import resend
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.programme.service import Programmes
from models.mails import Mail
from tests.support.offers import START, OfferScenario
from tests.support.trials import CHEF, TrialScenario

WHO = Actor("operator:duty@kontor.example", "console", "the customer lost it")


@pytest.fixture
def salons(engine: Engine, clock: ManualClock) -> Iterator[TrialScenario]:
    """A reseller of `booking` with the client Figaro."""
    world = TrialScenario(engine, clock)
    with world.inline:
        yield world


@pytest.fixture
def academy(engine: Engine) -> OfferScenario:
    """A reseller of `learning`, a client and its instance."""
    return OfferScenario(engine, ManualClock(START)).set_up()


def again(session: Session, jobs: Jobs, programmes: Programmes, mail_id: UUID) -> Mail:
    return session.get_one(Mail, resend.resend(session, jobs, programmes, mail_id, WHO))


def repeated(world: TrialScenario | OfferScenario, mail: Mail) -> tuple[dict[str, Any], Mail]:
    """Resend a mail; returns the facts of the repeat and the repeat, marked as sent."""
    with world.transaction() as session:
        session.get_one(Mail, mail.id).state = "sent"
        posted = again(session, world.ctx.jobs, world.ctx.programmes, mail.id)
        posted.state = "sent"
        return posted.facts, posted


def sent(salons: TrialScenario, template: str) -> Mail:
    return salons.posted(template)[-1][0]


def test_reminder_is_repeated_with_the_remaining_days(salons: TrialScenario) -> None:
    ends_at = salons.start()
    salons.go_to(ends_at - timedelta(days=3))
    first = sent(salons, "trial-reminder")
    assert first.facts["days"] == 3
    salons.set(ends_at - timedelta(days=2, hours=-1))
    facts, posted = repeated(salons, first)
    assert facts == first.facts | {"days": 2}
    salons.set(ends_at)
    with pytest.raises(Conflict, match="the trial is over"):
        repeated(salons, posted)


def test_quota_mail_is_repeated_with_current_usage_and_only_at_its_threshold(salons: TrialScenario) -> None:
    salons.report("value", 41)
    salons.work()
    first = sent(salons, "quota-warning")
    salons.report("value", 43)
    facts, posted = repeated(salons, first)
    assert (facts["value"], facts["percent"], facts["limit"]) == (43, 86, 50)
    assert [address for _, address in salons.posted("quota-warning")[-1][1]] == ["ann@figaro.example", CHEF]
    salons.report("value", 10)
    with pytest.raises(Conflict, match="no longer at that threshold"):
        repeated(salons, posted)


def test_offer_mail_is_repeated_with_the_current_effect_of_accepting(academy: OfferScenario) -> None:
    def line(count: int) -> dict[str, Any]:
        return {"product": "excel-basics", "count": count, "mode": "relative", "term": "P1Y"}

    academy.delivered([line(5)])
    first = academy.mail("offer-received")
    assert [(change["now"], change["then"]) for change in first.facts["changes"]] == [(0, 5)]
    other = academy.delivered([line(7)])
    with academy.transaction() as session:
        decide(academy.ctx, session, other, DecisionChoice.ACCEPT, DecidedBy("test"))
    facts, _ = repeated(academy, first)
    assert [(change["now"], change["then"]) for change in facts["changes"]] == [(7, 12)]


def test_decided_offer_is_not_mailed_again(academy: OfferScenario) -> None:
    offer_id = academy.delivered()
    first = academy.mail("offer-received")
    with academy.transaction() as session:
        decide(academy.ctx, session, offer_id, DecisionChoice.REJECT, DecidedBy("test"))
    with pytest.raises(Conflict, match="the offer is no longer open"):
        repeated(academy, first)


def test_licence_reminder_is_repeated_with_current_days_until_the_end(academy: OfferScenario) -> None:
    offer_id = academy.delivered([{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P30D"}])
    with academy.transaction() as session:
        decide(academy.ctx, session, offer_id, DecisionChoice.ACCEPT, DecidedBy("test"))
    academy.work()
    academy.pass_time(timedelta(days=16))
    first = academy.mail("licences-ending")
    assert first.facts["days"] == 14
    academy.clock.advance(timedelta(days=10))
    facts, posted = repeated(academy, first)
    assert facts == first.facts | {"days": 4}
    academy.clock.advance(timedelta(days=4))
    with pytest.raises(Conflict, match="No licences end at that time any longer"):
        repeated(academy, posted)
