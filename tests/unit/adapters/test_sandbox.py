import json
from dataclasses import replace
from pathlib import Path

import pytest

from kontor.adapters.database_url import connection_parameters
from kontor.adapters.sandbox import NAME_LIMIT, SimulatedHttp, sandbox_of
from kontor.adapters.settings import Settings, SettingsError
from kontor.http.keys import SANDBOX_PREFIX
from kontor.http.sandbox import leads_to_sandbox
from kontor.kernel.errors import Unreachable
from kontor.operators.keys import new_secret
from workers.sandbox import reset

LIVE = Settings(
    data_dir=Path("data"),
    database_url="postgresql+psycopg://u:p@db:5432/kontor?sslmode=require",
    database_direct_url="postgresql+psycopg://u:p@db:6543/kontor",
    redis_url="redis://localhost",
    smtp_url="smtp://mail.example",
    secret_key="the newest key of this deployment,the former key of this deployment",
    namespace="chosen",
    metrics_token="a token for metrics",
    dkim_key=Path("dkim.pem"),
    otlp_endpoint="http://collector:4318",
    sandbox=True,
    worker_threads=8,
)


def test_sandbox_has_a_database_of_its_own_on_the_same_server() -> None:
    box = sandbox_of(LIVE)
    live = connection_parameters(LIVE.database_url)
    assert connection_parameters(box.database_url) == {**live, "dbname": "kontor_sandbox"}
    assert connection_parameters(box.direct_url)["dbname"] == "kontor_sandbox"
    assert connection_parameters(box.direct_url)["port"] == "6543"


def test_name_of_the_database_fits_when_that_of_the_live_one_is_long() -> None:
    box = sandbox_of(replace(LIVE, database_url=f"postgresql://u@db/{'ä' * 31}"))
    name = connection_parameters(box.database_url)["dbname"]
    assert name.endswith("ä_sandbox")
    assert len(name.encode()) <= NAME_LIMIT


def test_sandbox_shares_no_key_with_live_data() -> None:
    keys = sandbox_of(LIVE).secret_keys
    assert len(set(keys)) == 2
    assert not {*keys} & {*LIVE.secret_keys}


def test_nothing_of_the_sandbox_goes_where_the_live_deployment_reports() -> None:
    box = sandbox_of(LIVE)
    assert (box.metrics_token, box.otlp_endpoint, box.dkim_key, box.identity_provider) == (None, None, None, None)
    assert (box.namespace, box.test_clock, box.in_sandbox, box.sandbox, box.worker_threads) == (
        "",
        True,
        True,
        False,
        4,
    )


@pytest.mark.parametrize(
    ("path", "header", "expected"),
    [
        ("/v1/accounts", b"Bearer kontor_test_abc", True),
        ("/v1/accounts", b"bearer kontor_test_abc", True),
        ("/v1/accounts", b"Bearer kontor_abc", False),
        ("/v1/accounts", b"Basic kontor_test_abc", False),
        ("/metrics", b"Bearer kontor_test_abc", False),
        ("/login", b"Bearer kontor_test_abc", False),
    ],
)
def test_prefix_of_the_key_decides_where_a_call_leads(path: str, header: bytes, expected: bool) -> None:
    scope = {"type": "http", "path": path, "headers": [(b"authorization", header)]}
    assert leads_to_sandbox(scope) is expected


def test_call_without_a_key_is_live() -> None:
    assert not leads_to_sandbox({"type": "http", "path": "/v1/accounts", "headers": []})


def test_secret_has_the_prefix_of_its_side() -> None:
    assert new_secret(in_sandbox=True).startswith(SANDBOX_PREFIX)
    assert not new_secret().startswith(SANDBOX_PREFIX)


def test_live_key_is_drawn_again_when_chance_gives_it_the_prefix_of_test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["test_by_chance", "another"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(drawn))
    assert new_secret() == "kontor_another"


@pytest.mark.parametrize(
    ("url", "status"), [("https://a.example/hook", 200), ("https://a.example/503", 503), ("https://a.example/42", 200)]
)
def test_simulated_receiver_answers_what_its_url_asks_for(url: str, status: int) -> None:
    assert SimulatedHttp().post(url, b"{}", {}).status == status


def test_simulated_handler_has_not_done_what_it_is_asked_about() -> None:
    answer = SimulatedHttp().post("https://a.example/", b'{"type": "job.verify"}', {})
    assert json.loads(answer.body) == {"state": "not_done"}


def test_simulated_reader_fetches_nothing() -> None:
    with pytest.raises(Unreachable):
        SimulatedHttp().get("https://a.example/logo.png", 1_000)


def test_live_database_is_never_emptied() -> None:
    with pytest.raises(SettingsError, match="only a sandbox"):
        reset(LIVE)
