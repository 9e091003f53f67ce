"""Lines of a template, changed by several at once: nobody loses what another saved."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.kernel.errors import Conflict, Invalid
from kontor.offers import templates
from tests.support.offers import LINES, OfferScenario
from tests.support.polling import wait_for

FIRST, SECOND = LINES[0], {**LINES[0], "product": "first-aid"}


BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def is_blocked(world: OfferScenario) -> bool:
    """Whether somebody waits for a lock."""
    with world.engine.connect() as connection:
        return bool(connection.scalar(BLOCKED))


def made(world: OfferScenario) -> UUID:
    with world.transaction() as session:
        return templates.create(world.ctx, session, world.reseller, "Office", [FIRST, SECOND]).id


def change(world: OfferScenario, template: UUID, key: str, count: int) -> None:
    with world.transaction() as session:
        templates.change_line(world.ctx, session, template, key, {"count": count})


def counts(world: OfferScenario, template: UUID) -> list[int]:
    with world.transaction() as session:
        return [line["count"] for line in templates.get(session, template).lines]


def test_changes_of_two_lines_at_once_are_both_kept(world: OfferScenario) -> None:
    template = made(world)
    with ThreadPoolExecutor(1) as others:
        with world.transaction() as session:
            templates.change_line(world.ctx, session, template, templates.line_key(FIRST), {"count": 1})
            other = others.submit(change, world, template, templates.line_key(SECOND), 2)
            wait_for(lambda: other.done() or is_blocked(world), "the second change", 20)
        other.result(20)
    assert counts(world, template) == [1, 2]


def test_second_of_two_changes_of_a_line_at_once_is_refused(world: OfferScenario) -> None:
    template = made(world)
    with ThreadPoolExecutor(1) as others:
        with world.transaction() as session:
            templates.change_line(world.ctx, session, template, templates.line_key(FIRST), {"count": 1})
            other = others.submit(change, world, template, templates.line_key(FIRST), 2)
            wait_for(lambda: other.done() or is_blocked(world), "the second change", 20)
        with pytest.raises(Conflict) as refusal:
            other.result(20)
    assert (refusal.value.code, counts(world, template)) == ("line_changed", [1, 10])


@pytest.mark.parametrize("add", [templates.add_line, templates.append_line])
def test_template_takes_a_hundred_lines_and_no_more(world: OfferScenario, add: object) -> None:
    with world.transaction() as session:
        hundred = [{**FIRST, "count": number} for number in range(1, 101)]
        template = templates.create(world.ctx, session, world.reseller, "Long", hundred).id
    with pytest.raises(Invalid) as refusal, world.transaction() as session:
        add(world.ctx, session, template, {**SECOND})  # type: ignore[operator]  # one of the two functions
    assert refusal.value.errors[0].loc == "lines"
    assert len(counts(world, template)) == 100
