"""The checks of `kontor doctor`."""

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis

from kontor.adapters.clock import SystemClock
from kontor.adapters.data_keys import sealed_by_earlier_releases
from kontor.adapters.primary import OldPrimary
from kontor.adapters.sandbox import sandbox_of
from kontor.adapters.secret_keys import fingerprint
from kontor.adapters.settings import CATCHER_URL, Settings, SettingsError
from kontor.engine.admin import invariants
from kontor.engine.admin.invariants import BrokenInvariant
from workers.connection_checks import Check, check_connections, one_line
from workers.connections import open_connection, programme_time, redis_client, require_key
from workers.ledger_checks import check_held, check_partitions, check_work
from workers.schema import is_behind, newest_migration

OLDEST_POSTGRES = 150000
SKEW = timedelta(seconds=5)
SECOND_LOOK_SECONDS = 1.5
TWICE = invariants.PASSING | {invariants.LANE}
LEDGER_TIME = "SELECT coalesce((SELECT now FROM clock WHERE id = 1 AND %s), clock_timestamp())"
EXPIRING_KEYS = """
SELECT id, name, to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') FROM api_keys
WHERE revoked_at IS NULL AND expires_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '30 days'
ORDER BY expires_at
"""
UNMANAGED = """
SELECT code, product.key, product.value ->> 'reseller' FROM programmes, jsonb_each(document -> 'products') AS product
WHERE product.value ->> 'managed_by' = 'reseller'
    AND NOT EXISTS (SELECT FROM accounts WHERE id::text = product.value ->> 'reseller' AND programme = code)
ORDER BY 1, 2
"""

CLASHES = """
SELECT string_agg(format('%s (%s)', name, id), ', ' ORDER BY id) FROM accounts
WHERE purged_at IS NULL AND looks_key IN (SELECT looks_key FROM accounts WHERE looks_clash AND purged_at IS NULL)
GROUP BY looks_key HAVING count(*) > 1 ORDER BY min(id::text) LIMIT 20
"""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Run all checks; those of the ledger only if the schema is current."""
    yield from check_settings(settings)
    yield check_redis(settings)
    if not settings.in_sandbox:
        yield check_smtp(settings)
    try:
        with open_connection(settings, "kontor-doctor") as connection:
            yield from check_connections(settings, connection)
            yield check_secret_key(settings, connection)
            for check in (check_postgres, check_clocks, check_schema):
                yield check(connection)
            if check_schema(connection).state != "problem":
                yield from check_held(connection)
                yield from check_work(connection)
                yield from check_keys(connection)
                yield from check_products(connection)
                yield from check_names(connection)
                yield from check_partitions(connection, ledger_time(connection, test_clock=False))
                yield from check_invariants(connection, ledger_time(connection, test_clock=settings.test_clock))
    except OldPrimary as error:
        yield Check("timeline", "problem", one_line(error), "see docs/how-to/run-on-your-servers.md, Failover")
    except SettingsError as error:
        yield Check("pooler", "problem", one_line(error), "see docs/how-to/run-on-your-servers.md, Poolers")
    except psycopg.OperationalError as error:
        yield Check("PostgreSQL", "problem", one_line(error), "start it, or correct DATABASE_URL")
    if not settings.in_sandbox:
        yield from check_test_clock(settings)
    if settings.sandbox:
        yield check_sandbox(settings)


def check_sandbox(settings: Settings) -> Check:
    """Check that the sandbox's database is there and has the schema of this release."""
    try:
        behind = is_behind(sandbox_of(settings))
    except psycopg.OperationalError as error:
        return Check("sandbox", "problem", one_line(error), "run `kontor migrate`")
    if behind:
        return Check("sandbox", "problem", "its schema is of an earlier release", "run `kontor migrate`")
    return Check("sandbox", "ok", "its database is current")


def ledger_time(connection: "psycopg.Connection[tuple[object, ...]]", *, test_clock: bool) -> datetime:
    """Return programme time over a connection that is open, also through a pooler."""
    row = connection.execute(LEDGER_TIME, (test_clock,)).fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


def check_settings(settings: Settings) -> Iterator[Check]:
    """Check for settings meant for demos."""
    if settings.allow_private_instances:
        text = "customer instances may be on private addresses"
        yield Check("settings", "warning", text, "unset KONTOR_ALLOW_PRIVATE_INSTANCES outside demos")
    elif urlsplit(settings.public_url).scheme != "https":
        text = f"links in mails begin with {settings.public_url}"
        yield Check("settings", "warning", text, "set PUBLIC_URL to the https address that customers reach")
    else:
        yield Check("settings", "ok", "complete")


def check_secret_key(settings: Settings, connection: "psycopg.Connection[tuple[object, ...]]") -> Check:
    """Check that SECRET_KEY belongs to the database, and that nothing waits for a rotation."""
    try:
        require_key(settings)
        row = connection.execute("SELECT sealed_with FROM data_keys LIMIT 1").fetchone()
    except SettingsError as error:
        text, _, remedy = one_line(error).partition(". ")
        return Check("SECRET_KEY", "problem", text, remedy)
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        return Check("SECRET_KEY", "warning", "the database keeps no data keys", "run `kontor migrate`")
    newest = fingerprint(settings.secret_keys[0])
    if row[0] != newest:
        text = f"its newest key ({newest}) seals nothing yet; {row[0]} does"
        return Check("SECRET_KEY", "warning", text, "run `kontor secrets rotate`")
    if len(settings.secret_keys) > 1 and (earlier := sealed_by_earlier_releases(connection)):
        text = f"{earlier} secret(s) are sealed by a key itself, as earlier releases did"
        return Check("SECRET_KEY", "warning", text, "run `kontor secrets rotate` before a key leaves the list")
    return Check("SECRET_KEY", "ok", f"belongs to the database, fingerprint {newest}")


def check_test_clock(settings: Settings) -> Iterator[Check]:
    """Check that programme time is real time."""
    if settings.test_clock:
        with suppress(SettingsError):
            text = f"the test clock is on; programme time is {programme_time(settings).isoformat()}"
            yield Check("clock", "warning", text, "unset KONTOR_TEST_CLOCK in production")


def check_names(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[Check]:
    """List accounts whose names look alike since before names had to differ in looks."""
    for (accounts,) in connection.execute(CLASHES).fetchall():
        yield Check("names", "warning", f"accounts that look alike: {accounts}", "rename all of them but one")


def check_redis(settings: Settings) -> Check:
    """Check that Redis responds."""
    try:
        with closing(redis_client(settings)) as client:
            client.ping()
            version = client.info("server").get("redis_version", "?")
    except SettingsError as error:
        return Check("Redis", "problem", one_line(error), "correct REDIS_URL")
    except redis.RedisError as error:
        return Check("Redis", "problem", one_line(error), "start it, or correct REDIS_URL")
    return Check("Redis", "ok", f"responds, version {version}")


def check_smtp(settings: Settings) -> Check:
    """Check that the mail server responds."""
    url = urlsplit(settings.smtp_url)
    client: Callable[..., smtplib.SMTP] = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    port, starttls = url.port or (465 if url.scheme == "smtps" else 25), parse_qs(url.query).get("starttls") == ["1"]
    try:
        with client(url.hostname or "", port, timeout=5) as server:
            server.ehlo()
            if starttls:
                server.starttls()
    except (OSError, smtplib.SMTPException) as error:
        if settings.smtp_url == CATCHER_URL:
            return Check("SMTP", "warning", "no mail catcher is running", "start `kontor up`, or set SMTP_URL")
        return Check("SMTP", "problem", f"{url.hostname}:{port}: {one_line(error)}", "correct SMTP_URL")
    if url.scheme == "smtp" and url.password is not None and not starttls:
        text = f"{url.hostname}:{port} responds, but its password crosses the network in clear"
        return Check("SMTP", "warning", text, "use smtps://, or add ?starttls=1 to SMTP_URL")
    return Check("SMTP", "ok", f"{url.hostname}:{port} responds")


def check_postgres(connection: "psycopg.Connection[tuple[object, ...]]") -> Check:
    """Check the version and durability of PostgreSQL."""
    version = connection.info.server_version
    if version < OLDEST_POSTGRES:
        return Check("PostgreSQL", "problem", f"version {version // 10000}", "upgrade to PostgreSQL 15 or newer")
    fsync = connection.execute("SHOW fsync").fetchone()
    if fsync != ("on",):
        return Check("PostgreSQL", "problem", "fsync is off", "turn it on: committed jobs could be lost")
    return Check("PostgreSQL", "ok", f"version {version // 10000}.{version % 10000}")


def check_clocks(connection: "psycopg.Connection[tuple[object, ...]]") -> Check:
    """Check that the clocks of this machine and the database agree."""
    before = SystemClock().now()
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = SystemClock().now()
    database_time = row[0] if row else None
    assert isinstance(database_time, type(before))
    difference = max(database_time - after, before - database_time)
    if difference > SKEW:
        text = f"this machine and PostgreSQL are {difference.total_seconds():.1f} s apart"
        return Check("clock", "problem", text, "synchronise both with NTP")
    return Check("clock", "ok", "agrees with PostgreSQL's clock")


def check_schema(connection: "psycopg.Connection[tuple[object, ...]]") -> Check:
    """Check that all migrations have run."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    current = str(row[0]) if row else "none"
    if row and current > newest_migration():
        text = f"at {current}, of a newer release; the newest of this one is {newest_migration()}"
        return Check("migrations", "warning", text, "go on with the newer release when you can")
    if current != newest_migration():
        return Check("migrations", "problem", f"at {current}, newest is {newest_migration()}", "run `kontor migrate`")
    return Check("migrations", "ok", f"at {current}")


def check_keys(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[Check]:
    """Name each API key that expires within 30 days of real time."""
    for key_id, name, expires_at in connection.execute(EXPIRING_KEYS).fetchall():
        text = f"{name} ({key_id}) expires on {expires_at}"
        yield Check("API key", "warning", text, "replace it before: `kontor keys create`, then `kontor keys revoke`")


def check_products(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[Check]:
    """Name each product that is managed by a reseller that does not exist."""
    for code, product, reseller in connection.execute(UNMANAGED).fetchall():
        text = f"{product} of {code} is managed by {reseller}, which is no account's id: nobody sees it"
        yield Check("programme", "warning", text, "apply the file with the id of the reseller's account")


def check_invariants(connection: "psycopg.Connection[tuple[object, ...]]", now: datetime) -> Iterator[Check]:
    """Name each broken invariant; what may be gone a moment later is looked at again after 1.5 s."""
    broken = look_at_invariants(connection, now)
    if any(entry.name in TWICE for entry in broken):
        time.sleep(SECOND_LOOK_SECONDS)
        repeated = look_at_invariants(connection, now)
        broken = [entry for entry in broken if entry.name not in TWICE or entry in repeated]
    for entry in broken:
        state: Literal["warning", "problem"] = "warning" if entry.name == invariants.TRANSACTION else "problem"
        yield Check(entry.name, state, entry.text, entry.remedy)
    if not broken:
        yield Check("invariants", "ok", "each holds")


def look_at_invariants(connection: "psycopg.Connection[tuple[object, ...]]", now: datetime) -> list[BrokenInvariant]:
    """Return what is broken at this instant, held jobs in free lanes included."""
    return [*invariants.broken(connection, now), *invariants.stuck_lanes(connection)]
