"""Hosts in network namespaces: one with the servers, two with processes, and a switch that can be cut."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PLANES = ("pg", "redis")
"""Networks of their own, so that a host can lose one server and keep the other."""
HOSTS = ("hq", "a", "b")
NAMESPACES = "/var/run/netns"
SWITCH = "switch"


class Network:
    """The namespaces of one run. Addresses: 10.98.PLANE.HOST, both counted from 1, hq first."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def space(self, host: str) -> str:
        return f"kontor-{self.tag}-{host}"

    def inside(self, host: str) -> Sequence[str]:
        """A command that runs another one on a host, in the same process."""
        return ("nsenter", f"--net={NAMESPACES}/{self.space(host)}")

    def address(self, host: str, plane: str) -> str:
        return f"10.98.{PLANES.index(plane) + 1}.{HOSTS.index(host) + 1}"

    def build(self) -> None:
        """Make the namespaces, a bridge for each plane and its cables. Raises CalledProcessError."""
        for host in (SWITCH, *HOSTS):
            run("ip", "netns", "add", self.space(host))
            self._ip(host, "link", "set", "lo", "up")
        for plane in PLANES:
            self._ip(SWITCH, "link", "add", plane, "type", "bridge")
            self._ip(SWITCH, "link", "set", plane, "up")
            for host in HOSTS:
                port = port_of(host, plane)
                self._ip(SWITCH, "link", "add", port, "type", "veth", "peer", "name", plane, "netns", self.space(host))
                self._ip(SWITCH, "link", "set", port, "master", plane)
                self._ip(SWITCH, "link", "set", port, "up")
                self._ip(host, "address", "add", f"{self.address(host, plane)}/24", "dev", plane)
                self._ip(host, "link", "set", plane, "up")

    def remove(self) -> None:
        """Delete what there is."""
        for host in (SWITCH, *HOSTS):
            run("ip", "netns", "delete", self.space(host), check=False)

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        """The host's own interfaces are down; its connections end without a FIN."""
        for plane in PLANES:
            self._ip(host, "link", "set", plane, "down")
        try:
            yield
        finally:
            for plane in PLANES:
                self._ip(host, "link", "set", plane, "up")

    @contextmanager
    def cut(self, host: str, planes: Sequence[str] = PLANES) -> Iterator[None]:
        """The switch passes nothing on, in both directions; the host's interfaces stay up."""
        for plane in planes:
            self._ip(SWITCH, "link", "set", port_of(host, plane), "down")
        try:
            yield
        finally:
            for plane in planes:
                self._ip(SWITCH, "link", "set", port_of(host, plane), "up")

    @contextmanager
    def lossy(self, host: str, percent: int) -> Iterator[None]:
        """The switch and the host lose that share of the packets that they send to each other."""
        ends = [(SWITCH, port_of(host, plane)) for plane in PLANES] + [(host, plane) for plane in PLANES]
        for space, device in ends:
            self._tc(space, "add", device, "netem", "loss", f"{percent}%")
        try:
            yield
        finally:
            for space, device in ends:
                self._tc(space, "delete", device)

    def can_lose_packets(self) -> bool:
        """Whether this kernel has netem."""
        command = ("tc", "-n", self.space(SWITCH), "qdisc", "add", "dev", "lo", "root", "netem", "loss", "1%")
        return shutil.which("tc") is not None and run(*command, check=False) == 0

    def _ip(self, host: str, *words: str) -> None:
        run("ip", "-n", self.space(host), *words)

    def _tc(self, host: str, action: str, device: str, *words: str) -> None:
        run("tc", "-n", self.space(host), "qdisc", action, "dev", device, "root", *words)


def port_of(host: str, plane: str) -> str:
    """The switch's end of a host's cable."""
    return f"{host}-{plane}"


def run(*command: str, check: bool = True) -> int:
    """Run a command without its output; returns its status. Raises CalledProcessError."""
    return subprocess.run(command, check=check, capture_output=True).returncode


def obstacle() -> str | None:
    """Why no host can be made here, if so."""
    missing = [name for name in ("ip", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    if os.geteuid() != 0:
        return "not root"
    network = Network(f"{os.getpid()}-probe")
    try:
        network.build()
    except subprocess.CalledProcessError as error:
        return str(error.stderr.decode().strip() or error)
    finally:
        network.remove()
    return None
