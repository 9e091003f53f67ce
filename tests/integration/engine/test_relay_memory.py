"""The relay's memory of outstanding doorbells."""

from uuid import UUID

from kontor.engine import fair_pick
from kontor.engine.fair_pick import OVERDUE_SECONDS
from kontor.kernel.doorbells import Doorbell
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Write


def dispatch(world: EngineHarness) -> Doorbell:
    """Let the relay dispatch the only job that waits; returns its doorbell."""
    world.inline.bells.ring_hint()
    world.inline.relay.tick()
    [bell] = world.inline.bells.dispatched
    return bell


def compare(world: EngineHarness, seconds: float) -> None:
    """Let the relay compare what is dispatched with what workers hold, so long after now."""
    world.inline.relay._compare(world.clock.monotonic() + seconds, world.clock.now())


def test_doorbell_that_is_still_queued_is_kept_however_old_it_is(world: EngineHarness) -> None:
    job = world.put(Write(note="slow"))
    bell, relay = dispatch(world), world.inline.relay
    for _ in range(3):
        compare(world, OVERDUE_SECONDS + 1)
    world.inline.bells.ring_hint()
    relay.tick()
    assert list(world.inline.bells.dispatched) == [bell]
    assert relay.windows["write"].ids == {job}


def test_lost_doorbell_is_forgotten_and_its_job_dispatched_again(world: EngineHarness) -> None:
    job = world.put(Write(note="lost"))
    bell, relay = dispatch(world), world.inline.relay
    world.inline.bells.dispatched.clear()
    for _ in range(3):
        compare(world, OVERDUE_SECONDS - 1)
    assert relay.windows["write"].ids == {job}
    for _ in range(2):
        compare(world, OVERDUE_SECONDS + 1)
    assert relay.windows["write"].ids == set()
    again = dispatch(world)
    assert (again.ids, again.id != bell.id) == ((job,), True)


def test_share_of_a_tenant_excludes_its_outstanding_jobs(world: EngineHarness) -> None:
    out = {world.put(Write(note="out"), tenant="a") for _ in range(3)}
    more = [world.put(Write(note="more"), tenant="a") for _ in range(3)]

    def dispatchable(job_id: UUID) -> bool:
        return job_id not in out

    jobs = fair_pick.pick(world.inline.relay.connection, "write", 3, {"a": 3}, dispatchable)
    assert [job.id for job in jobs] == more
