"""Each alert of deploy/prometheus/rules.yml fires on the /metrics of its state, and no other alert does."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import yaml
from prometheus_client import generate_latest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from kontor.kernel.database import psycopg_connection
from kontor.kernel.ports import MailDeferred, MailRefused
from kontor.monitoring.routes import RequestMetrics
from tests.support import incidents
from tests.support.alert_rules import RULES, assert_firing, needs_promtool, parse_scrape
from tests.support.discounts import DiscountScenario, moscow
from tests.support.polling import wait_for

INLINE = {"KontorNoWorker", "KontorProcessMissing", "KontorTestClock"}
"""What is true of every test here: no process runs, and the test clock is on."""

ENGINE = {
    *("KontorRelayStands", "KontorLateWork", "KontorQueuePaused", "KontorDeadJobs", "KontorLanesHeld"),
    *(
        "KontorInvariantBroken",
        "KontorScheduleLate",
        "KontorUnknownTask",
        "KontorCallsFail",
        "KontorLeaseOld",
        "KontorWorkerMemory",
    ),
}
PROGRAMME = {"KontorReconciliationGap", "KontorGuardRail", "KontorMailsRefused", "KontorMailsFail"}
PROCESS = {"KontorApiErrors", "KontorPoolExhausted", "KontorLedgerAway"}
NOT_SCRAPED = {"KontorUnreachable"}
HEAVY = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at, memory_bytes)
VALUES ('w', 'h', 1, '0', 8, '{}', now() - interval '1 hour', clock_timestamp(), 400000000)
"""
SETTLED = "SELECT clock_timestamp() - pg_postmaster_start_time() > interval '9 s'"

pytestmark = needs_promtool


def scrape(world: DiscountScenario) -> dict[str, tuple[float, bool]]:
    """Scrape /metrics after the worker flushed its stats."""
    with world.transaction() as session:
        world.worker.inline.runtime.stats.flush(psycopg_connection(session))
    return parse_scrape(world.api.http.get("/metrics").text)


def test_healthy_deployment_fires_no_alert(world: DiscountScenario, tmp_path: Path) -> None:
    before = scrape(world)
    incidents.next_quarter(world)
    assert_firing(tmp_path, before, scrape(world), expected=INLINE)


def test_engine_incidents_fire_the_engine_alerts(world: DiscountScenario, tmp_path: Path) -> None:
    before = scrape(world)
    incidents.create_dead_job(world)
    incidents.create_unknown_job(world)
    incidents.hold_lane(world)
    incidents.delay_job(world)
    later = {"task": "probe.echo", "args": {}, "run_at": (world.clock.now() + timedelta(minutes=1)).isoformat()}
    world.api.ok("POST /v1/jobs", later, key=world.key)
    held = {"task": "probe.echo", "args": {}}
    leased = world.api.ok("POST /v1/jobs", held, key=world.key)["id"]
    running = "UPDATE jobs SET state = 'running', worker = 'w', started_at = :now WHERE id = CAST(:id AS uuid)"
    world.rows(running, now=world.clock.now(), id=leased)
    wait_for(lambda: world.rows(SETTLED)[0][0], "a server whose restart is no excuse", 20)
    world.rows(HEAVY)
    world.clock.advance(timedelta(minutes=30))
    assert_firing(tmp_path, before, scrape(world), expected=(INLINE | ENGINE) - {"KontorNoWorker"})


def test_programme_incidents_fire_the_programme_alerts(world: DiscountScenario, tmp_path: Path) -> None:
    before = scrape(world)
    answers = world.worker.mail_transport.answers
    for number in range(12):
        answers[f"Don{number}@shop.example"] = MailRefused("no such person", at_rcpt=True)
        world.reseller(f"Don{number}")
    for number in range(3):
        answers[f"Oka{number}@shop.example"] = MailDeferred("try later")
        world.reseller(f"Oka{number}")
    for _ in range(4):
        world.worker.inline.drain()
        world.clock.advance(timedelta(minutes=10))
    answers.clear()
    world.reach(moscow("2026-01-10"))
    world.many(100, "2026-01-10")
    world.reach(moscow("2026-01-11T00:05:00"))
    incidents.create_gap(world)
    assert_firing(tmp_path, before, scrape(world), expected=INLINE | PROGRAMME)


def test_web_process_incidents_fire_its_alerts(world: DiscountScenario, tmp_path: Path) -> None:
    before = scrape(world)
    world.api.app.state.meter.count("GET", "/v1/jobs", 500, 0.1)
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(world.api.deps.engine.connect())
        assert_firing(tmp_path, before, scrape(world), expected=INLINE | PROCESS - {"KontorLedgerAway"})

    nowhere = sessionmaker(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    meter = RequestMetrics(replace(world.api.deps, sessions=nowhere))
    assert_firing(tmp_path, {}, parse_scrape(generate_latest(meter.registry).decode()), expected={"KontorLedgerAway"})


def test_every_alert_rule_is_covered() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == (
        INLINE | ENGINE | PROGRAMME | PROCESS | NOT_SCRAPED
    )
