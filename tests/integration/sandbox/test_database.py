"""The sandbox's database: whose keys open it, how it is created, what emptying it leaves; what its jobs reach."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.database_url import libpq_url
from kontor.adapters.sandbox import sandbox_of
from kontor.adapters.settings import Settings, SettingsError
from kontor.operators import keys
from kontor.task_types.declaration import TaskTypeIn
from kontor.task_types.registry import built
from tasks.maintenance import ProbeEchoHandler
from tests.conftest import Servers
from tests.support.wiring import apply_example
from workers.connections import one_off_engine, require_key
from workers.doctor import check_sandbox
from workers.sandbox import begin, create, reset
from workers.wiring import adapters_for, installed_handlers


@pytest.fixture
def box(settings: Settings) -> Settings:
    """The settings of a sandbox whose database is this test's."""
    return replace(sandbox_of(settings), database_url=settings.database_url)


def test_process_with_live_settings_refuses_the_database_of_a_sandbox(box: Settings, settings: Settings) -> None:
    require_key(box)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        require_key(settings)


def test_process_of_a_sandbox_refuses_a_live_database(box: Settings, settings: Settings) -> None:
    require_key(settings)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        require_key(box)


@pytest.fixture
def ordinary(servers: Servers) -> Iterator[str]:
    """The URL of a database whose role may create no other."""
    name = f"ordinary_{secrets.token_hex(4)}"
    with psycopg.connect(libpq_url(servers.database_url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        yield make_url(servers.database_url).set(username=name, database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}")


def test_error_names_the_statement_when_the_role_may_create_no_database(settings: Settings, ordinary: str) -> None:
    live = replace(settings, database_url=ordinary)
    with pytest.raises(SettingsError, match=r'CREATE DATABASE "ordinary_\w+_sandbox" OWNER "ordinary_\w+"'):
        create(live, sandbox_of(live))


def test_doctor_names_the_remedy_when_the_sandbox_has_no_database(settings: Settings) -> None:
    check = check_sandbox(replace(settings, sandbox=True))
    assert (check.subject, check.state, check.remedy) == ("sandbox", "problem", "run `kontor migrate`")


def test_reset_leaves_unbound_keys_and_limits_and_no_business(box: Settings, settings: Settings) -> None:
    with Session(one_off_engine(box)) as session, session.begin():
        begin(session, box, settings.data_dir / "key.json")
        apply_example(session, "learning", SystemClock())
    with Session(one_off_engine(box)) as session, session.begin():
        audit = session.connection().exec_driver_sql("SELECT count(*) FROM audit_log").scalar()
    assert reset(box) > 0
    with Session(one_off_engine(box)) as session:
        counts = "SELECT (SELECT count(*) FROM programmes), (SELECT count(*) FROM audit_log)"
        assert session.connection().exec_driver_sql(counts).one() == (0, audit)
        assert [key.name for key in keys.list_keys(session)] == ["first start"]
        (limit,) = session.connection().exec_driver_sql("SELECT value FROM limit_overrides WHERE name = 'api_rate'")
        assert limit == (20,)


def test_tables_that_refuse_deletion_refuse_it_again_after_a_reset(box: Settings) -> None:
    reset(box)
    with psycopg.connect(libpq_url(box.database_url)) as connection, pytest.raises(psycopg.Error, match="neither"):
        connection.execute("TRUNCATE account_book")


def test_no_mail_and_no_call_of_an_instance_or_handler_leaves_the_sandbox(box: Settings) -> None:
    http, _, mails = adapters_for(box, None)
    mails.send("from@kontor.example", "to@customer.example", b"Subject: caught\r\n\r\n")
    assert http.post("https://localhost:1/", b"{}", {}).status == 200


def test_tasks_of_installed_packages_run_no_code_of_theirs_in_the_sandbox(
    box: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.wiring.handlers_of", lambda *_: (ProbeEchoHandler(lambda _: None),))
    (simulated,) = installed_handlers(box)
    assert simulated.payload is ProbeEchoHandler.payload
    assert not isinstance(simulated, ProbeEchoHandler)


def test_pull_type_has_a_simulated_handler_in_the_sandbox_alone() -> None:
    declared = TaskTypeIn.model_validate({"args": {"type": "object"}, "handler": "pull"})
    assert built("vps.create", 1, declared).policy.pull
    assert not built("vps.create", 1, declared, simulated=True).policy.pull
