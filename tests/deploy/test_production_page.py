"""Every shell block of docs/how-to/production.md, from top to bottom, on a fresh Debian; run by `make production`.

There is no init process: Debian's package `systemctl` starts the same unit files, sandboxing apart. PostgreSQL's
clusters, which a generator of systemd starts, are started here. What the page promises is checked between the blocks.
"""

import io
import json
import re
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.release import build, git, sums
from devtools.source import ROOT
from tests.support import fresh_root
from tests.support.fresh_root import FreshRoot

pytestmark = [pytest.mark.production, pytest.mark.timeout(1800)]
PAGE = ROOT / "docs" / "how-to" / "production.md"
BLOCK = re.compile(r"^#{2,3} (?P<heading>[^\n]+)$|^```sh\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
ONLINE = re.compile(r"apt-get|install\.sh")
PREPARE = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
echo 'export DEBIAN_FRONTEND=noninteractive' > $HOME/.bashrc
printf '127.0.0.1 localhost kontor.example staff.kontor.example shop.nordlicht.example\\n' > /etc/hosts
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemctl procps >/dev/null
"""
MAILS = """
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
echo kontor.example > /etc/mailname
cat > /etc/smtpd.conf <<END
listen on 127.0.0.1
action "out" relay host "smtp://127.0.0.1:1025"
match from any for any action "out"
END
mkdir -p /var/caught
nohup python3 $HOME/sink.py /var/caught >$HOME/sink.log 2>&1 &
"""
STORY = """
kontor keys create --name test --scope read --scope operate --scope enqueue --scope admin --json > $HOME/key.json
python3 -c 'import json, sys; print(json.load(sys.stdin)["secret"])' < $HOME/key.json > $HOME/key
"""
INSTANCES = "".join(
    f"ln -sfn kontor-{name}@.service /etc/systemd/system/kontor-{name}@{number}.service\n"
    for name, number in (("web", 8000), ("web", 8001), ("worker", 1), ("worker", 2))
)
"""The package `systemctl` finds an instance of a template by a file of its own."""
CLIENT = """
key=$(cat $HOME/key)
call() {{ curl -sSk --fail-with-body -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }}
field() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'; }}
some=$RANDOM
new='{{"programme": "learning", "name": "Reseller {number} '$some'", "admin_email": "desk{number}@reseller.example"}}'
reseller=$(call https://kontor.example/v1/accounts -d "$new" | field)
call -X POST https://kontor.example/v1/accounts/$reseller/become-reseller
new='{{"name": "Client {number} '$some'", "admin_email": "admin{number}@client.example"}}'
call https://kontor.example/v1/resellers/$reseller/clients -d "$new"
"""
UNSENT = "queue = 'mail' AND task = 'mail.send' AND state = 'queued'"
WAITING = f"""runuser -u postgres -- psql -At kontor -c "SELECT least(count(*), 1) FROM jobs WHERE {UNSENT}" """
CAUGHT = "ls /var/caught | wc -l"
NEXT_VERSION = "0.1.999"
MIGRATION = '''
"""A column for the test of an upgrade."""
import sqlalchemy as sa
from alembic import op
revision = "9000"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operators", sa.Column("of_the_next_release", sa.Text()), if_not_exists=True)


def downgrade() -> None:
    op.drop_column("operators", "of_the_next_release")
'''


def blocks() -> Iterator[tuple[str, str]]:
    """(heading, script) of each block, in order."""
    heading = ""
    for match in BLOCK.finditer(PAGE.read_text()):
        if match["heading"]:
            heading = match["heading"]
        else:
            yield heading, match["script"]


def next_release(tree: bytes) -> bytes:
    """Return the tree of a release after this one, with a migration of its own."""
    from workers.schema import newest_migration

    changed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tree)) as before, tarfile.open(fileobj=changed, mode="w") as after:
        for entry in before:
            content = before.extractfile(entry)
            data = b"" if content is None else content.read()
            if entry.name == "pyproject.toml":
                data = re.sub(rb'^version = ".*"$', f'version = "{NEXT_VERSION}"'.encode(), data, flags=re.MULTILINE)
            entry.size = len(data)
            after.addfile(entry, io.BytesIO(data))
        data = MIGRATION.format(head=newest_migration()).encode()
        added = tarfile.TarInfo("migrations/versions/9000_next.py")
        added.size = len(data)
        after.addfile(added, io.BytesIO(data))
    return changed.getvalue()


class Machine:
    """The fresh Debian while the page is carried out, with what is measured."""

    def __init__(self, root: FreshRoot, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.figures: dict[str, object] = {}

    def place_release(self, tree: bytes) -> None:
        files = build(self.folder / f"tree-{len(list(self.folder.iterdir()))}", tree, "0123456789ab", "1700000000")
        target = self.root.folder / "srv" / "kontor" / "release"
        target.mkdir(parents=True, exist_ok=True)
        for path in [*target.glob("kontor-*.whl"), *target.glob("kontor-*.tar.gz")]:
            path.unlink()
        for name, content in files.items():
            (target / name).write_bytes(content)
        (target / "SHA256SUMS").write_text(sums(files))

    def place(self, program: str, name: str) -> None:
        text = (ROOT / "tests" / "support" / program).read_text()
        (self.root.folder / "root" / name).write_text(text)

    def number(self, script: str) -> int:
        return int(self.root.must(script).split()[-1])

    def sql(self, database: str, statement: str) -> str:
        return self.root.must(f'runuser -u postgres -- psql -At {database} -c "{statement}"').strip()

    def until(self, script: str, awaited: str, seconds: float = 60) -> float:
        """Wait until a script prints a text; return after how many seconds."""
        begun = time.monotonic()
        while (shown := self.root.run(["bash", "-c", script]).stdout.strip()) != awaited:
            assert time.monotonic() - begun < seconds, f"{script}: {shown} instead of {awaited}"
            time.sleep(0.3)
        return round(time.monotonic() - begun, 1)


def before_packages(machine: Machine) -> None:
    machine.root.must(PREPARE, online=True)
    machine.place_release(git("archive", "--format=tar", "HEAD"))


def before_servers(machine: Machine) -> None:
    machine.place("production_sink.py", "sink.py")
    machine.root.must(MAILS)


def before_settings(machine: Machine) -> None:
    machine.root.must("pg_ctlcluster $(ls /usr/lib/postgresql) main start")


def before_start(machine: Machine) -> None:
    machine.root.must(INSTANCES)


def before_backup(machine: Machine) -> None:
    """Mails that were sent, and one that waits in the backup and is sent afterwards."""
    machine.root.must(STORY)
    machine.root.must(CLIENT.format(number=1))
    machine.figures["first mail after, seconds"] = machine.until(f"{CAUGHT} | sed 's/[1-9][0-9]*/some/'", "some")
    machine.root.must("kontor queues pause mail")
    machine.root.must(CLIENT.format(number=2))
    machine.until(WAITING, "1")


def before_restore(machine: Machine) -> None:
    """What waited in the backup is sent from the original."""
    machine.root.must("kontor queues resume mail")
    machine.until(WAITING, "0")
    machine.figures["mails before the drill"] = machine.number(CAUGHT)


def after_drill(machine: Machine) -> None:
    held = machine.sql("kontor_drill", "SELECT string_agg(name, ',' ORDER BY name) FROM queues WHERE held")
    assert {"handlers", "offers", "webhooks"} <= set(held.split(",")), held
    assert machine.sql("kontor_drill", f"SELECT least(count(*), 1) FROM jobs WHERE {UNSENT}") == "1"
    assert machine.number(CAUGHT) == machine.figures["mails before the drill"]
    assert machine.sql("kontor", "SELECT count(*) FROM queues WHERE held") == "0"
    machine.figures["queues held in the copy"] = held


def before_upgrade(machine: Machine) -> None:
    machine.place_release(next_release(git("archive", "--format=tar", "HEAD")))
    machine.place("production_load.py", "load.py")
    machine.root.must("nohup python3 $HOME/load.py $(cat $HOME/key) /root >$HOME/load.log 2>&1 &")


def after_way_back(machine: Machine) -> None:
    machine.root.must("touch $HOME/stop")
    machine.until("test -e $HOME/load.json && echo yes", "yes")
    report = json.loads((machine.root.folder / "root" / "load.json").read_text())
    machine.figures["calls during upgrade and way back"] = report
    assert report["failures"] == []
    assert report["echoed"] == report["calls"] // 2
    assert machine.sql("kontor", "SELECT version_num FROM alembic_version") == "9000"
    assert NEXT_VERSION not in machine.root.must("kontor --version")


def after_standby(machine: Machine) -> None:
    api = "curl -sfk -m 5 -H \"Authorization: Bearer $(cat $HOME/key)\" -H 'Content-Type: application/json'"
    echo = f'{api} -d \'{{"task": "probe.echo", "args": {{"message": "on the standby"}}}}\''
    waited = machine.until(f"{echo} 'https://kontor.example/v1/jobs?wait=4' | grep -c 'on the standby'", "1", 90)
    machine.figures["a job runs after the promotion, seconds"] = waited


def after_removal(machine: Machine) -> None:
    left = machine.root.must("pgrep -u 10001 -l || true; ls -d /opt/kontor /etc/kontor 2>/dev/null || true")
    assert left == ""


Check = Callable[[Machine], None]
BEFORE: dict[str, Check] = {
    "1. Packages": before_packages,
    "3. PostgreSQL and Redis": before_servers,
    "4. Secrets and settings": before_settings,
    "5. Start it": before_start,
    "8. Backup": before_backup,
    "Restore": before_restore,
    "Upgrade": before_upgrade,
}
AFTER: dict[tuple[str, int], Check] = {
    ("Restore", 2): after_drill,
    ("Upgrade", 3): after_way_back,
    ("A standby", 2): after_standby,
    ("Remove it", 1): after_removal,
}


def test_page_keeps_its_promises_when_it_is_carried_out_on_a_fresh_debian(tmp_path: Path) -> None:
    if reason := fresh_root.reason_against():
        pytest.skip(reason)
    done, counts = set[str](), dict[str, int]()
    with fresh_root.fresh_root() as root:
        machine = Machine(root, tmp_path)
        for heading, script in blocks():
            if heading in BEFORE and heading not in done:
                BEFORE[heading](machine)
            done.add(heading)
            begun = time.monotonic()
            shown = root.must(script, online=ONLINE.search(script) is not None)
            counts[heading] = counts.get(heading, 0) + 1
            sys.stdout.write(
                f"\n== {heading}, block {counts[heading]}: {time.monotonic() - begun:.1f} s\n{shown[-1500:]}\n"
            )
            if check := AFTER.get((heading, counts[heading])):
                check(machine)
        sys.stdout.write(json.dumps(machine.figures, indent=1))
    assert set(BEFORE) <= done
    assert {heading for heading, _ in AFTER} <= done
