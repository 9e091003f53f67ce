"""`make chaos-hosts`: hosts (network namespaces) that vanish, are cut off or come back. Exits with 0 if all is good."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis
from rich.console import Console

from kontor.adapters.embedded.servers import EmbeddedServers, owned_servers
from tests.faults import scene
from tests.faults.chaos import settings_of
from tests.faults.fleet import Fleet, Member, fleet
from tests.faults.network import HOSTS, PLANES, Network, obstacle
from tests.faults.scene import EXTERNAL, TAKE_OVER, TRANSACTIONAL, Fault, Scene
from tests.faults.stopping import has_leader, leader_of, stands_by
from tests.support.polling import wait_for
from workers.migrations import ROOT, migrate

CUT_SECONDS = 20.0
LOSS_SECONDS = 10.0
JOBS = 14
REDIS_PORT = 6379


@dataclass
class Hosts:
    """The processes on hosts a (relay that leads, worker, scheduler) and b (relay that stands by, worker)."""

    network: Network
    members: dict[str, Member] = field(default_factory=dict)

    def start(self, made: Fleet) -> None:
        """Start all; wait until a's relay leads and all are registered."""
        for host, role in (("a", "relay"), ("a", "worker"), ("a", "scheduler"), ("b", "relay"), ("b", "worker")):
            self.members[f"{host} {role}"] = made.start(role, self.network.inside(host), **self._urls())
            if (host, role) == ("a", "relay"):
                wait_for(lambda: has_leader(made, "relay", 1), "the leading relay")
        made.workers(2)
        wait_for(lambda: has_leader(made, "relay", 2), "a leader and a standby")

    def _urls(self) -> dict[str, str]:
        pg, doorbell = (self.network.address("hq", plane) for plane in PLANES)
        return {
            "DATABASE_URL": f"postgresql+psycopg://kontor@{pg}/kontor",
            "REDIS_URL": f"redis://{doorbell}:{REDIS_PORT}/0",
        }

    def back(self, at: Scene) -> None:
        """Wait until the former leader stands by and both workers are registered."""
        wait_for(lambda: stands_by(at.made, self.members["a relay"]), "the former leader standing by")
        assert leader_of(at.made, "relay") is self.members["b relay"]
        at.made.workers(2)

    def unplug_leader(self, at: Scene) -> float:
        """The interfaces of the leader's host go down and, when the standby serves, up again."""
        at.ended = 1
        with self.network.unplugged("a"):
            since = time.monotonic()
            seconds = at.until_served(since)
        self.back(at)
        return seconds

    def cut_leader(self, at: Scene) -> float:
        """The cable of the leader's host is cut for 20 s."""
        at.ended = 1
        with self.network.cut("a"):
            since = time.monotonic()
            seconds = at.until_served(since)
            threading.Event().wait(since + CUT_SECONDS - time.monotonic())
        self.back(at)
        return seconds

    def cut_leader_from_redis(self, at: Scene) -> float:
        """The leader's host reaches PostgreSQL and not Redis."""
        at.ended = 1
        with self.network.cut("a", ["redis"]):
            since = time.monotonic()
            seconds = at.until_served(since)
        self.back(at)
        return seconds

    def lose_packets(self, at: Scene) -> float:
        """The leader's host loses a tenth of its packets for ten seconds."""
        at.ended = 1
        with self.network.lossy("a", 10):
            since = time.monotonic()
            seconds = at.until_served(since)
            threading.Event().wait(since + LOSS_SECONDS - time.monotonic())
        return seconds

    def lose_worker(self, at: Scene, kind: str) -> float:
        """The standby's host vanishes with work in hand and does not come back."""
        pids = at.begin(kind, JOBS)
        numbers = list(pids)
        mine = [number for number in numbers if pids[number] == self.members["b worker"].pid]
        assert mine
        at.ended = 1
        with self.network.cut("b"):
            since = time.monotonic()
            for name in ("b worker", "b relay"):
                self.members[name].kill()
            at.open_gates([number for number in numbers if number not in mine])
            seconds = at.until(since, lambda: at.have_begun(mine, 2), "the second start")
            at.open_gates(mine)
            at.until(since, lambda: at.effects(numbers), "the jobs in hand")
        return seconds

    def faults(self) -> list[Fault]:
        """The rows."""
        return [
            Fault("leader's host: interfaces down, then up", "all work", TAKE_OVER, self.unplug_leader),
            Fault("leader's host: cut off for 20 s", "all work", TAKE_OVER, self.cut_leader),
            Fault("leader's host: loses Redis only", "all work", TAKE_OVER, self.cut_leader_from_redis),
            Fault("worker's host vanishes: external", "its jobs", EXTERNAL, lambda at: self.lose_worker(at, "rerun")),
            Fault(
                "worker's host vanishes: transactional",
                "its jobs",
                TRANSACTIONAL,
                lambda at: self.lose_worker(at, "single"),
            ),
        ]

    def lossy_fault(self) -> Fault:
        """The row that needs netem."""
        return Fault("leader's host: 10 % of packets lost", "nothing", EXTERNAL, self.lose_packets)


def open_to_network(servers: EmbeddedServers) -> None:
    """Let the servers listen on the addresses of this namespace."""
    postgres = servers.postgres
    (postgres.folder / "kontor.conf").write_text("listen_addresses = '*'\n")
    with (postgres.folder / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 10.98.0.0/16 trust\n")
    postgres.stop()
    postgres.start()
    postgres.wait_ready()
    with redis.Redis.from_url(servers.valkey.url) as client:
        client.config_set("protected-mode", "no")
        client.config_set("bind", "0.0.0.0")
        client.config_set("port", REDIS_PORT)


def inside(network: Network, console: Console, begins: Sequence[str]) -> bool:
    """Run the rows on the host of the servers; returns whether every promise was kept."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="kontor-hosts-") as folder, owned_servers(Path(folder)) as servers:
        migrate(servers.postgres.url)
        open_to_network(servers)
        for number, fault in enumerate(selected(network, console, begins)):
            settings = settings_of(servers, f"hosts-{number}")
            with fleet(settings, servers.data_dir / f"hosts-{number}", "enqueuer") as made:
                hosts = Hosts(network)
                hosts.start(made)
                current = next(row for row in [*hosts.faults(), hosts.lossy_fault()] if row.name == fault)
                outcomes.append(scene.observe(made, servers, current))
            scene.report(console, outcomes[-1])
    console.print(scene.table_of("hosts: seconds until the work goes on", outcomes))
    return not any(outcome.faults for outcome in outcomes)


def selected(network: Network, console: Console, begins: Sequence[str]) -> list[str]:
    """The names of the rows to run."""
    hosts = Hosts(network)
    names = [fault.name for fault in hosts.faults()]
    lossy = hosts.lossy_fault().name
    if network.can_lose_packets():
        names.append(lossy)
    else:
        console.print(f"{lossy}: skipped: this kernel has no netem")
    return [name for name in names if name.startswith(tuple(begins or [""]))]


def main(arguments: Sequence[str]) -> int:
    """Make the hosts, and run this program again on the first of them; returns 0 if all is good."""
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if arguments[:1] == ["--inside"]:
        good = inside(Network(arguments[1]), console, arguments[2:])
        console.print("chaos: nothing lost, nothing doubled" if good else "[red]chaos: FAULTS, see above[/red]")
        return 0 if good else 1
    reason = obstacle()
    if reason is not None:
        console.print(f"skipped: no network namespaces here ({reason})")
        return 0
    network = Network(str(os.getpid()))
    try:
        network.build()
        program = [sys.executable, "-m", "tests.faults.hosts", "--inside", network.tag, *arguments]
        return subprocess.run([*network.inside(HOSTS[0]), *program], check=False, cwd=ROOT).returncode
    finally:
        network.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
