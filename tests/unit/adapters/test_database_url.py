import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, make_url

from kontor.adapters.database_url import address_of, connection_parameters, each_host, url_of

READ_WRITE = {"target_session_attrs": "read-write"}
TWO = {"host": "a,b", "port": "5432,5433", "user": "u", "dbname": "d", **READ_WRITE}
FORMS = {
    "postgresql://u:p@h/d": {"user": "u", "password": "p", "host": "h", "dbname": "d"},
    "postgres://u@h:6000/d": {"user": "u", "host": "h", "port": "6000", "dbname": "d"},
    "postgresql+psycopg://u@h/d": {"user": "u", "host": "h", "dbname": "d"},
    "postgresql://u@a:5432,b:5433/d": TWO,
    "postgresql://u@/d?host=a,b&port=5432,5433": TWO,
    "postgresql://u@/d?host=a:5432&host=b:5433": TWO,
    "postgresql://u@/d?host=a:5432,b:5433": TWO,
    "postgresql://u@/d?host=a%2Cb&port=5432%2C5433": TWO,
    "postgresql://u@a,b/d?port=6000": {**TWO, "port": "6000,6000"},
    "postgresql://u@a,b/d?target_session_attrs=any": {
        "user": "u", "host": "a,b", "dbname": "d", "target_session_attrs": "any",
    },
    "postgresql://u@/d?host=/run/postgresql&port=5433": {
        "user": "u", "dbname": "d", "host": "/run/postgresql", "port": "5433",
    },
    "postgresql://u@%2Frun%2Fpostgresql/d": {"user": "u", "dbname": "d", "host": "/run/postgresql"},
    "postgresql://u@[::1]:5433/d": {"user": "u", "host": "::1", "port": "5433", "dbname": "d"},
    "postgresql://u@/d?host=[::1]:5433": {"user": "u", "host": "::1", "port": "5433", "dbname": "d"},
    "postgresql://u@/d?host=::1": {"user": "u", "host": "::1", "dbname": "d"},
    "postgresql://u:a/b@h/d": {"user": "u", "password": "a/b", "host": "h", "dbname": "d"},
    "postgresql://u:a%40b+c%25@h/d": {"user": "u", "password": "a@b+c%", "host": "h", "dbname": "d"},
    "postgresql://h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem&passfile=/run/pass": {
        "host": "h", "dbname": "d", "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "passfile": "/run/pass",
    },
    "postgresql://h/d?ssl=true": {"host": "h", "dbname": "d", "sslmode": "require"},
    "postgresql://h": {"host": "h"},
    "postgresql://": {},
}  # fmt: skip


def read_by_psycopg(url: str) -> dict[str, str]:
    """The parameters that libpq reads in a URL."""
    return {name: str(value) for name, value in conninfo_to_dict(url.replace("+psycopg", "", 1)).items()}


def read_by_sqlalchemy(url: str) -> dict[str, str]:
    """The parameters with which SQLAlchemy calls the driver."""
    dialect = create_engine("postgresql+psycopg://").dialect
    _, parameters = dialect.create_connect_args(make_url(url))
    # A comma is an empty list of ports: each host's is the default.
    return {name: str(value) for name, value in parameters.items() if name != "context" and value != ","}


@pytest.mark.parametrize("url", FORMS)
def test_both_drivers_get_the_same_parameters_when_a_url_has_any_form(url: str) -> None:
    assert connection_parameters(url) == FORMS[url]
    shared = url_of(FORMS[url])
    assert read_by_psycopg(shared) == FORMS[url]
    assert read_by_sqlalchemy(shared) == FORMS[url]
    assert connection_parameters(shared) == FORMS[url]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(NAMES, NAMES, NAMES)
def test_credentials_survive_when_they_hold_any_character(user: str, password: str, database: str) -> None:
    parameters = {"user": user, "password": password, "host": "h", "dbname": database}
    url = url_of(parameters)
    assert connection_parameters(url) == read_by_psycopg(url) == read_by_sqlalchemy(url) == parameters


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:geheim@h/d", "use postgresql://"),
        ("geheim", "use postgresql://"),
        ("postgresql://u:geheim@h:port/d", "a port is a number"),
        ("postgresql://u:geheim@h:0/d", "a port is a number"),
        ("postgresql://u:geheim@[::1/d", "write %40 for @"),
        ("postgresql://u:geheim@a,b,c/d?port=1,2", "3 hosts and 2 ports"),
        ("postgresql://u:geheim@/d?host=a:1&port=2", "not in both"),
        ("postgresql://u:geheim@h/d?sslmod=require", "no connection parameter 'sslmod'"),
    ],
)
def test_url_is_refused_with_the_remedy_and_without_its_password_when_it_is_malformed(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        connection_parameters(url)
    assert "geheim" not in str(refused.value)


def test_each_host_is_asked_by_itself_when_there_are_several() -> None:
    hosts = list(each_host(connection_parameters("postgresql://u@a:1,b:2/d")))
    assert [(host["host"], host["port"], host["target_session_attrs"]) for host in hosts] == [
        ("a", "1", "any"),
        ("b", "2", "any"),
    ]


def test_address_names_hosts_and_ports_but_no_credentials() -> None:
    assert address_of(connection_parameters("postgresql://u:geheim@a:1,b:2/d")) == "a:1, b:2"
    assert address_of(connection_parameters("postgresql://u:geheim@/d?host=/run")) == "/run"
