"""One offer traced through real processes; and processes without a reachable collector."""

import subprocess
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from devtools.demo.deployment import Deployment, running_deployment
from devtools.demo.stories.sales import LINES
from devtools.demo.world import PROGRAMMES, SCOPES, World, press_button
from devtools.received_calls import ReceivedCalls, Reply
from devtools.sample_instance import SampleInstance
from kontor.adapters.settings import Settings
from kontor.kernel.tracing import TRACEPARENT, TraceContext, parse_traceparent
from tests.support.otlp_collector import Collector, ReceivedSpan, running_collector
from tests.support.polling import wait_for
from workers.migrations import ROOT

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LONGEST_STOP = 20.0
ADMIN = "admin@client.example"


class HeaderRecorder(ReceivedCalls):
    """Records the `traceparent` header of each call too."""

    def __init__(self) -> None:
        super().__init__()
        self.traceparents: list[str] = []

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.traceparents.append(headers.get(TRACEPARENT, ""))
        return super().receive(body, headers)


def traced(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make every process started from now on export its spans to `url`."""
    for name, text in ((ENDPOINT, url), ("OTEL_BSP_SCHEDULE_DELAY", "200"), ("NO_PROXY", "127.0.0.1")):
        monkeypatch.setenv(name, text)


def key_of(deployment: Deployment) -> str:
    return str(deployment.kontor("keys", "create", "--name", "test", *SCOPES)["secret"])


def accept_offer(world: World, received_calls: HeaderRecorder) -> str:
    """Send an offer within the caller's trace and accept it; returns the token of the mail's link."""
    new = {"programme": "learning", "name": "Shop", "admin_email": "admin@shop.example"}
    reseller = world.post("/v1/accounts", new)["id"]
    world.post(f"/v1/accounts/{reseller}/become-reseller")
    new_client = {"name": "Client", "admin_email": ADMIN}
    client = world.post(f"/v1/resellers/{reseller}/clients", new_client)["id"]
    instance = SampleInstance(received_calls).start()
    world.instances.append(instance)
    received_calls.secret = world.call("PUT", f"/v1/accounts/{client}/instance", {"url": instance.url})["secret"]
    body = {"reseller_id": reseller, "account_id": client, "lines": LINES, "message": "only for your eyes"}
    answer = world.api.post("/v1/offers", json=body, headers={TRACEPARENT: CALLER.header()})
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    assert answer.headers["X-Trace-Id"] == CALLER.trace_id
    world.move_to(world.now)
    link = world.received_mail("offer-received", client, ADMIN).links("/offers/")[0]
    assert press_button(link, "accept").status_code == HTTPStatus.OK
    world.move_to(world.now)
    return link.rpartition("/")[2]


@pytest.fixture(scope="module")
def story() -> Any:
    """The spans of one offer's life, and the secrets that occurred in it."""
    with pytest.MonkeyPatch.context() as monkeypatch, running_collector() as collector:
        traced(monkeypatch, collector.url)
        received_calls = HeaderRecorder()
        with running_deployment() as deployment:
            key = key_of(deployment)
            deployment.kontor("programme", "apply", str(PROGRAMMES / "learning.yaml"))
            world = World(deployment, key)
            try:
                token = accept_offer(world, received_calls)
                jobs = world.list_all("/v1/jobs?task=offers.deliver")
            finally:
                world.close()
        yield {
            "collector": collector,
            "book": received_calls,
            "jobs": jobs,
            "secrets": [key, token, received_calls.secret, ADMIN],
        }


def named(spans: list[ReceivedSpan], name: str) -> list[ReceivedSpan]:
    return [span for span in spans if span.name == name]


def call_of(spans: list[ReceivedSpan]) -> ReceivedSpan:
    """The span of the call to the instance."""
    (attempt,) = named(spans, "process offers.deliver")
    (call,) = [span for span in named(spans, "POST") if span.parent_id == attempt.span_id]
    return call


def test_trace_of_one_offer_covers_api_relay_worker_http_and_smtp(story: Any) -> None:
    collector: Collector = story["collector"]
    spans = collector.spans(CALLER.trace_id)
    assert collector.paths == {"/v1/traces"}
    shown = {(span.service, span.name) for span in spans}
    assert shown >= {
        ("kontor-web", "POST /v1/offers"),
        ("kontor-web", "create offers.deliver"),
        ("kontor-relay", "ring offers.deliver"),
        ("kontor-worker", "process offers.deliver"),
        ("kontor-worker", "POST"),
        ("kontor-worker", "create mail.send"),
        ("kontor-relay", "ring mail.send"),
        ("kontor-worker", "process mail.send"),
        ("kontor-worker", "SMTP send"),
    }, sorted(shown)


def test_trace_is_one_tree_below_the_caller(story: Any) -> None:
    spans = story["collector"].spans(CALLER.trace_id)
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    outside = [span for span in spans if span.parent_id not in ids]
    assert [(span.name, span.parent_id) for span in outside] == [("POST /v1/offers", CALLER.span_id)]
    assert call_of(spans).attribute("server.address") == "127.0.0.1"


def test_spans_record_the_responses(story: Any) -> None:
    spans = story["collector"].spans(CALLER.trace_id)
    assert {span.attribute("http.response.status_code") for span in named(spans, "POST")} == {200}
    assert {span.attribute("smtp.response.status_code") for span in named(spans, "SMTP send")} == {250}
    (request,) = named(spans, "POST /v1/offers")
    assert (request.attribute("http.route"), request.attribute("http.response.status_code")) == ("/v1/offers", 201)
    (attempt,) = named(spans, "process offers.deliver")
    assert (attempt.attribute("messaging.destination.name"), attempt.attribute("kontor.outcome")) == (
        "offers",
        "succeeded",
    )


def test_jobs_and_the_instance_receive_the_trace(story: Any) -> None:
    assert [job["trace_id"] for job in story["jobs"]] == [CALLER.trace_id]
    call = call_of(story["collector"].spans(CALLER.trace_id))
    assert parse_traceparent(story["book"].traceparents[0]) == TraceContext(CALLER.trace_id, call.span_id)


def test_decision_page_starts_a_trace_down_to_the_licences(story: Any) -> None:
    collector: Collector = story["collector"]
    (pressed,) = named(collector.spans(), "POST /offers/{token}")
    spans = collector.spans(pressed.trace_id)
    assert {"create licences.provision", "process licences.provision", "POST"} <= {span.name for span in spans}


def test_spans_contain_no_secret_no_address_and_no_mail_content(story: Any) -> None:
    exported = "".join(span.text() for span in story["collector"].spans())
    assert "kontor.task" in exported
    assert [secret for secret in [*story["secrets"], "@", "only for your eyes"] if secret in exported] == []


def test_unreachable_collector_loses_no_job_and_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    traced(monkeypatch, "http://127.0.0.1:1")
    with running_deployment() as deployment:
        headers = {"Authorization": f"Bearer {key_of(deployment)}"}
        with httpx.Client(base_url=deployment.url, headers=headers, timeout=60, trust_env=False, verify=False) as api:
            many = [{"task": "probe.echo", "args": {"message": str(number)}} for number in range(500)]
            assert api.post("/v1/jobs/batch", json={"jobs": many}).is_success
            done = "/v1/jobs?task=probe.echo&state=succeeded&limit=1000"
            wait_for(lambda: len(api.get(done).json()["items"]) == len(many), "all jobs")
        began = time.monotonic()
        deployment.stop()
        assert time.monotonic() - began < LONGEST_STOP
        assert deployment.process.returncode in {0, 143}


STARTED = """
import os, sys
from kontor.cli.context import running_settings
role = sys.argv[1]
with running_settings(role) as settings:
    if role == "worker":
        from workers.worker import Worker
        Worker(settings)
    elif role == "relay":
        from tasks.catalogue import catalogue
        from workers.relay import RelayProcess
        RelayProcess(settings, catalogue())
    elif role == "scheduler":
        import scheduler
    else:
        from workers.web_app import build
        from workers.web import web_deps
        with web_deps(settings) as deps:
            build(deps)
print(*sorted(name for name, module in sys.modules.items() if module is not None))
sys.stdout.flush()
os._exit(0)
"""
HEAVY = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf", "requests", "urllib3")


def modules_of(role: str, settings: Settings) -> list[str]:
    """The modules a process has imported once it is wired."""
    environ = {name: text for name, text in settings.environ().items() if not name.startswith("OTEL_")}
    command = [sys.executable, "-c", STARTED, role]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("role", ["worker", "relay", "scheduler", "web"])
def test_no_tracing_library_is_imported_while_tracing_is_off(settings: Settings, role: str) -> None:
    modules = modules_of(role, settings)
    assert "workers.connections" in modules
    assert [name for name in modules if name.startswith(HEAVY) or name == "kontor.adapters.tracing"] == []
