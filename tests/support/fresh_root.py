"""A fresh Debian in a folder, and commands in it: what a container or a new machine would be, without a daemon.

Needs root, mmdebstrap and Linux namespaces; `reason_against` says what is missing.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SUITE = "bookworm"
BASE = Path(f"/var/tmp/kontor-fresh-root-{SUITE}.tar")
PACKAGES = "ca-certificates,python3,python3-venv"
MIRROR = Path("/etc/apt/sources.list.d/debian.sources")
# How this machine reaches its package registries; a fresh root knows nothing of that.
CONFIGURATION = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/apt/apt.conf.d",
)
KEPT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}
SCRIPT = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/run"
hostname kontor
ip link set lo up
: > "$ROOT/.ready"
exec chroot "$ROOT" sleep infinity
"""


def reason_against() -> str | None:
    """Return why no fresh root can be made here, None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in ("mmdebstrap", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    return f"needs {', '.join(missing)}" if missing else None


def base() -> Path:
    """Return the archive of a minimal Debian with Python; made once in about two minutes."""
    if not BASE.exists():
        draft = BASE.with_suffix(f".{os.getpid()}.tar")
        mirror = [str(MIRROR)] if MIRROR.exists() else []
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(draft), *mirror]
        subprocess.run(argv, check=True)
        draft.rename(BASE)
    return BASE


class FreshRoot:
    """A fresh root with namespaces of its own for processes, mounts, network and host name."""

    def __init__(self, folder: Path, anchor: int) -> None:
        self.folder = folder
        self.anchor = anchor

    def run(
        self, argv: Sequence[str], *, online: bool = False, environ: Mapping[str, str] | None = None, user: str = "0:0"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it; `online` with this machine's network, else with a loopback of its own."""
        spaces = ["-m", "-p", "-u", *([] if online else ["-n"])]
        enter = ["nsenter", "-t", str(self.anchor), *spaces, "chroot", f"--userspec={user}", str(self.folder)]
        pip = {name: text for name, text in os.environ.items() if name.startswith("PIP_") and online}
        inside = [f"{name}={text}" for name, text in {**KEPT, **pip, **(environ or {})}.items()]
        return subprocess.run(
            [*enter, "env", "-i", *inside, *argv],
            env=KEPT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def must(self, script: str, *, online: bool = False) -> str:
        """Run a shell script in it; a failure fails the test with what it printed."""
        done = self.run(["bash", "-euo", "pipefail", "-c", script], online=online)
        assert done.returncode == 0, f"{script}\n{done.stdout[-6000:]}"
        return done.stdout


@contextmanager
def fresh_root() -> Iterator[FreshRoot]:
    """Provide a fresh root; at the end its processes are ended and it is removed."""
    with TemporaryDirectory(prefix="kontor-root-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        subprocess.run(["tar", "-xpf", str(base()), "-C", name], check=True)
        for path in CONFIGURATION:
            if Path(path).exists():
                subprocess.run(["cp", "-aL", path, str((folder / path[1:]).parent)], check=True)
        argv = ["unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child", "sh", "-c", SCRIPT]
        with subprocess.Popen(argv, env={**os.environ, "ROOT": name}) as holder:
            try:
                yield FreshRoot(folder, anchor_of(holder, folder))
            finally:
                holder.kill()


def anchor_of(holder: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Return the process that holds the namespaces, once everything is mounted."""
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    while not (folder / ".ready").exists():
        assert holder.poll() is None, "the namespaces could not be made"
    return int(children.read_text().split()[0])
