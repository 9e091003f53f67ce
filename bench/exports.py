"""`python -m bench.exports`: export a reseller's clients as CSV and Excel; measure time and memory, check the rows.

Each file is made in a separate process, so that its peak memory can be measured.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import openpyxl
import psycopg
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from kontor.accounts import export, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.fakes import ManualClock
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords
from kontor.context import Context, Secrets
from kontor.engine.enqueue import Jobs
from kontor.programme import files
from kontor.programme.service import Programmes
from tasks.catalogue import catalogue
from workers.migrations import ROOT, migrate

FILL: Final = """
INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale, timezone,
    plan, created_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'booking', name, lower(name), 'client',
    %(reseller)s, 'admin@' || n || '.example', 'admin@' || n || '.example', 'de', 'Europe/Berlin',
    CASE WHEN n %% 3 = 0 THEN 'basic' ELSE 'free' END, now()
FROM (SELECT n, CASE n WHEN 1 THEN '=1+1' ELSE 'Salon "Äpfel", Filiale ' || n END AS name
      FROM generate_series(1, %(count)s) AS n) AS named
"""
USED: Final = """
INSERT INTO usage_days (account_id, metric, day, level, level_at, level_seq, deltas, after_level)
SELECT id, 'appointments', day::date, 40, day, 1, 3, 2
FROM accounts, generate_series(%(now)s::timestamptz - interval '3 days', %(now)s, interval '1 day') AS day
WHERE reseller_id = %(reseller)s AND admin_email LIKE '%%1.example'
"""
CHARGED: Final = """
INSERT INTO fee_runs (id, programme, account_id, kind, code, anchor, since, next_start, monthly, created_at)
SELECT gen_random_uuid(), programme, id, 'plan', plan, '2026-01-31', '2026-01-31', '2026-03-31', 7.20, created_at
FROM accounts WHERE reseller_id = %(reseller)s AND plan = 'basic'
"""
KEPT: Final = "SELECT name, admin_email, plan FROM accounts WHERE reseller_id = %s ORDER BY id"
FORMATS: Final = ("csv", "xlsx")


def office() -> Context:
    """Return a context with a frozen clock."""
    return Context(
        Jobs(catalogue(), ManualClock(), SilentRelayHint()), Programmes(), Secrets(passwords=Argon2Passwords.cheap())
    )


def fill(url: str, count: int) -> UUID:
    """Create a reseller of `booking` with `count` clients; return its id."""
    migrate(url)
    ctx, engine = office(), create_engine(url)
    with Session(engine) as session:
        text = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
        files.apply(session, "booking", text, now=ctx.now, actor="bench")
        owner = accounts.create(ctx, session, NewAccount("booking", "Salons", "chef@salons.example"))
        reseller_status.become_reseller(ctx, session, owner.id)
        owner_id = owner.id
        session.commit()
    engine.dispose()
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(FILL, {"reseller": owner_id, "count": count})
        for statement in (USED, CHARGED):
            connection.execute(statement, {"reseller": owner_id, "now": ctx.now})
        connection.execute("VACUUM (ANALYZE)")
    return owner_id


def make(url: str, reseller: UUID, ending: str, path: Path) -> dict[str, float]:
    """Write the file as the API does; runs in a separate process."""
    ctx, engine = office(), create_engine(url)
    with Session(engine) as session:
        ctx.programmes.current(session, "booking")
        before, began, cpu = peak(), time.perf_counter(), time.process_time()
        clients = export.read_clients(ctx, session, reseller)
        session.commit()
        read = time.perf_counter() - began
        with path.open("wb") as file:
            file.writelines(clients.as_csv() if ending == "csv" else clients.as_excel())
        took = {"read_s": read, "total_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
        return {**took, "grew_mb": peak() - before, "peak_mb": peak()}


def peak() -> float:
    """Return this process's peak memory in MB; getrusage would include the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def differences(url: str, reseller: UUID, ending: str, path: Path) -> int:
    """Return the number of rows that differ from the database, read by an independent library."""
    with psycopg.connect(libpq(url)) as connection, connection.cursor("kept") as kept:
        kept.execute(KEPT, (reseller,))
        there = rows_of_csv(path) if ending == "csv" else rows_of_excel(path)
        return sum(list(row) != exported for row, exported in zip(kept, there, strict=True))


def rows_of_csv(path: Path) -> Iterator[list[Any]]:
    """Yield name, address and plan of each line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield [row[0].removeprefix("'"), *row[1:3]]


def rows_of_excel(path: Path) -> Iterator[list[Any]]:
    """Yield name, address and plan of each row of each sheet."""
    workbook = openpyxl.load_workbook(path, read_only=True)
    for sheet in workbook.worksheets:
        for row in sheet.iter_rows(min_row=2, max_col=3, values_only=True):
            yield list(row)


def libpq(url: str) -> str:
    """Convert a SQLAlchemy URL for psycopg."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def measure(counts: Sequence[int], *, check: bool) -> list[dict[str, Any]]:
    """Measure each format for each number of clients."""
    results: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder, shared_servers(Path(folder) / "servers", "--scratch") as servers:
        for count in counts:
            url = database(servers.database_url, f"exports_{count}")
            owner = fill(url, count)
            for ending in FORMATS:
                path = Path(folder) / f"clients.{ending}"
                child = [sys.executable, "-m", "bench.exports", "--child", url, str(owner), ending, str(path)]
                said = subprocess.run(child, check=True, capture_output=True, text=True)
                row = {"clients": count, "format": ending, **json.loads(said.stdout)}
                row["file_mb"] = path.stat().st_size / 1e6
                if check:
                    row["differences"] = differences(url, owner, ending, path)
                results.append(row)
    return results


def database(server: str, name: str) -> str:
    """The SQLAlchemy URL of a new database."""
    with psycopg.connect(libpq(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def main() -> int:
    """Measure and print; exit 1 if a file is wrong."""
    parser = argparse.ArgumentParser(prog="bench.exports", description="Time and memory of the client list.")
    parser.add_argument("--clients", type=int, action="append", help="may repeat (default 20000 and 200000)")
    parser.add_argument("--check", action="store_true", help="open the files again and compare every row")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        url, owner, ending, path = options.child
        json.dump(make(url, UUID(owner), ending, Path(path)), sys.stdout)
        return 0
    rows = measure(options.clients or [20_000, 200_000], check=options.check)
    for row in rows:
        words = (
            f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
        )
        print("  ".join(words))
    return 1 if any(row.get("differences") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
