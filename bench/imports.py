"""`python -m bench.imports`: import bank files of 10 and 100 MB; measure time and memory, check the sums.

Each file is imported in a separate process, so that its peak memory can be measured.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from bench.exports import database, libpq, office, peak
from kontor.accounts import reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.payments import import_target
from kontor.payments.import_parse import PaymentFile
from kontor.payments.import_run import Import, ImportChoices
from kontor.programme import files
from workers.migrations import ROOT, migrate

HEADER: Final = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Glaeubiger ID";"Mandatsreferenz";'
    '"Kundenreferenz (End-to-End)";"Sammlerreferenz";"Lastschrift Ursprungsbetrag";"Auslagenersatz Ruecklastschrift";'
    '"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"BIC (SWIFT-Code)";"Betrag";"Waehrung";"Info"\r\n'
)
ROW: Final = (
    '"DE00123456780000000001";"{day:02}.02.26";"{day:02}.02.26";"GUTSCHR. UEBERWEISUNG";"Rechnung {number} Müller";"";'
    '"";"{reference}";"";"";"";"Müller & Söhne GmbH";"DE00999999990000000009";"XXXXDEXX";"1.234,{cents:02}";"EUR";'
    '"Umsatz gebucht"\r\n'
)
PROGRAMME: Final = "booking"


def write(path: Path, megabytes: int) -> int:
    """Write a file of a savings bank in Windows-1252; every third row has no reference of its own. Return its rows."""
    number = 0
    with path.open("w", encoding="cp1252", newline="") as file:
        size = file.write(HEADER)
        while size < megabytes * 1_000_000:
            number += 1
            reference = "NOTPROVIDED" if number % 3 == 0 else f"E2E-{number}"
            size += file.write(ROW.format(day=number % 28 + 1, number=number, reference=reference, cents=number % 100))
    return number


def prepare(url: str) -> UUID:
    """Create a reseller; return its id."""
    migrate(url)
    ctx, engine = office(), create_engine(url)
    with Session(engine) as session:
        text = (ROOT / "examples" / "programmes" / f"{PROGRAMME}.yaml").read_text()
        files.apply(session, PROGRAMME, text, now=ctx.now, actor="bench")
        owner = accounts.create(ctx, session, NewAccount(PROGRAMME, "Salons", "chef@salons.example"))
        owner_id = reseller_status.become_reseller(ctx, session, owner.id).account.id
        session.commit()
    engine.dispose()
    return owner_id


def take(url: str, reseller: UUID, path: Path) -> dict[str, float]:
    """Import the file as the command does; runs in a separate process."""
    ctx, factory = office(), sessionmaker(create_engine(url))
    with factory() as session:
        target = import_target.of_reseller(ctx, session, reseller)
        before, began, cpu = peak(), time.perf_counter(), time.process_time()
    file = PaymentFile.of(path)
    recognised = time.perf_counter() - began
    summary = Import(ctx, factory.begin, file, target, ImportChoices()).run()
    return {
        "recognised_s": recognised,
        "total_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "grew_mb": peak() - before,
        "peak_mb": peak(),
        "imported": summary.imported,
    }


def measure(sizes: list[int]) -> list[dict[str, float]]:
    """Import a file of each size into a database of its own; compare the sum with the file."""
    results = []
    with TemporaryDirectory() as folder, shared_servers(Path(folder) / "servers", "--scratch") as servers:
        for megabytes in sizes:
            url = database(servers.database_url, f"imports_{megabytes}")
            reseller, path = prepare(url), Path(folder) / "statement.csv"
            rows = write(path, megabytes)
            child = [sys.executable, "-m", "bench.imports", "--child", url, str(reseller), str(path)]
            said = subprocess.run(child, check=True, capture_output=True, text=True)
            with psycopg.connect(libpq(url)) as connection:
                [(count, cents)] = connection.execute("SELECT count(*), sum(amount * 100) FROM payments")
            expected = sum(123_400 + number % 100 for number in range(1, rows + 1))
            wrong = float(abs(count - rows) + abs(cents - expected))
            results.append({"file_mb": megabytes, "rows": rows, "wrong": wrong, **json.loads(said.stdout)})
    return results


def main() -> int:
    """Measure and print; exit 1 if a sum is wrong."""
    parser = argparse.ArgumentParser(prog="bench.imports", description="Time and memory of an import of payments.")
    parser.add_argument("--megabytes", type=int, action="append", help="may repeat (default 10 and 100)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        url, reseller, path = options.child
        json.dump(take(url, UUID(reseller), Path(path)), sys.stdout)
        return 0
    results = measure(options.megabytes or [10, 100])
    for row in results:
        print("  ".join(f"{name} {value:.1f}" for name, value in row.items()))
    return 1 if any(row["wrong"] for row in results) else 0


if __name__ == "__main__":
    sys.exit(main())
