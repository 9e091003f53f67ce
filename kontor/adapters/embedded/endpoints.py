"""Which process owns a data directory's servers and where they listen: a lock and a small file."""

import fcntl
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen

from kontor.adapters.embedded.process import LogSection, StartFailed

# sun_path holds 108 bytes with its terminating zero; the longest file name is that of PostgreSQL's lock file.
SOCKET_PATH_LIMIT = 107
POLL = 0.02
STOPPING_SECONDS = 10.0
DYING_SECONDS = 1.0
LONGEST_NAME = ".s.PGSQL.5432.lock"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs of the running servers of a data directory; an empty one names a server that is not run here."""

    database_url: str
    redis_url: str
    smtp_url: str | None = None
    web_url: str | None = None


class AlreadyOwned(Exception):
    """Another process runs the servers of this data directory."""


def prepare(data_dir: Path) -> None:
    """Create a data directory with mode 0700; an existing one keeps its mode."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("log", "run"):
        (data_dir / name).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def owner_lock(data_dir: Path, timeout: float = STOPPING_SECONDS) -> Iterator[None]:
    """Hold the owner lock of a data directory. Raises AlreadyOwned when another live process holds it.

    Waits for an owner that is about to stop because its users have ended.
    """
    descriptor = os.open(data_dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not acquire_owner_lock(descriptor, data_dir, timeout):
            raise AlreadyOwned(
                f"another process runs the servers of {data_dir}: end it, or set another KONTOR_DATA_DIR"
            )
        unpublish(data_dir)
        yield
    finally:
        os.close(descriptor)


def acquire_owner_lock(descriptor: int, data_dir: Path, timeout: float) -> bool:
    """Take the owner's lock, trying for `timeout` seconds, or for 1 s when the owner is a running `kontor up`.

    An owner that was killed holds the lock until the kernel has torn it down.
    """
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            endpoints = published(data_dir)
            stays = endpoints is not None and endpoints.web_url is not None
            if time.monotonic() - began > (min(DYING_SECONDS, timeout) if stays else timeout):
                return False
            time.sleep(POLL)
        else:
            return True


@contextmanager
def shared_lock(data_dir: Path) -> Iterator[None]:
    """Register as a user of the servers during the block; wait while they are being stopped."""
    path = data_dir / "users.lock"
    while True:
        prepare(data_dir)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file.fileno()).st_nlink:  # else the file was removed with its folder
                yield
                return


@contextmanager
def exclusive_if_unused(data_dir: Path) -> Iterator[bool]:
    """Yield whether there is no user; if so, new users wait until the block ends."""
    try:
        file = (data_dir / "users.lock").open("r+")
    except FileNotFoundError:
        yield True
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def is_owned(data_dir: Path) -> bool:
    """Whether a live process holds the owner lock."""
    try:
        descriptor = os.open(data_dir / "owner.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def publish(data_dir: Path, endpoints: Endpoints) -> None:
    """Write the server URLs atomically and durably, for other commands; mode 0600."""
    draft = data_dir / f"servers.json.{os.getpid()}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(asdict(endpoints)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(data_dir / "servers.json")


def unpublish(data_dir: Path) -> None:
    """Remove the server URLs, also those half written by a process that was killed."""
    for path in data_dir.glob("servers.json*"):
        path.unlink(missing_ok=True)


def published(data_dir: Path) -> Endpoints | None:
    """Return the published URLs, None when there are none yet or they cannot be read."""
    try:
        return Endpoints(**json.loads((data_dir / "servers.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def socket_folder(data_dir: Path) -> Path:
    """Return a folder of mode 0700 for sockets: in the data directory, or a temporary one if the path is too long."""
    folder = data_dir / "run"
    if len(os.fsencode(folder / LONGEST_NAME)) <= SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"kontor-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != 0o700 or not stat.S_ISDIR(status.st_mode):
        raise PermissionError(f"{folder} is accessible to others; remove it or choose a shorter KONTOR_DATA_DIR")
    return folder


START_SECONDS = 60.0


def running_endpoints(data_dir: Path, timeout: float = START_SECONDS) -> Endpoints | None:
    """Return the URLs of a running owner's servers; wait while they start; None without an owner."""
    deadline = time.monotonic() + timeout
    while is_owned(data_dir):
        if (running := published(data_dir)) is not None:
            return running
        if time.monotonic() > deadline:
            raise StartFailed(f"the owner of {data_dir} did not start its servers within {timeout:.0f} s")
        time.sleep(POLL)
    return None


@contextmanager
def shared_servers(data_dir: Path, *options: str) -> Iterator[Endpoints]:
    """Use the running servers of a data directory, or start them; they stop after their last user.

    With the option `--postgres` or `--valkey` only that one is needed and started. Raises StartFailed.
    """
    prepare(data_dir)
    holder: Popen[bytes] | None = None
    try:
        with shared_lock(data_dir):
            running = running_endpoints(data_dir)
            if running is None:
                holder = start_holder(data_dir, *options)
                running = wait_for_holder(data_dir, holder)
            require_servers(data_dir, running, options)
            yield running
    finally:
        if holder is not None:
            wait_for_exit(data_dir, holder)


def require_servers(data_dir: Path, running: Endpoints, options: Sequence[str]) -> None:
    """Check that the running owner runs the needed servers. Raises StartFailed."""
    for option, url, setting in (
        ("--valkey", running.database_url, "DATABASE_URL"),
        ("--postgres", running.redis_url, "REDIS_URL"),
    ):
        if not url and option not in options:
            raise StartFailed(f"the servers of {data_dir} were started with {setting} set: set it here as there")


def start_holder(data_dir: Path, *options: str) -> "Popen[bytes]":
    """Start a holder in a new session, so that it outlives this command while others use it."""
    root = Path(__file__).parents[3]
    with (data_dir / "log" / "holder.log").open("wb") as log:
        return Popen(
            [sys.executable, "-m", "kontor.adapters.embedded", str(data_dir), *options],
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )


def wait_for_holder(data_dir: Path, holder: "Popen[bytes]") -> Endpoints:
    """Wait until our holder, or a faster one, has published its servers. Raises StartFailed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (running := running_endpoints(data_dir)) is not None:
            return running
        if holder.poll() is not None and not is_owned(data_dir):
            raise StartFailed(LogSection(data_dir / "log" / "holder.log").failure())
        time.sleep(POLL)
    raise StartFailed(f"no servers in {data_dir} after {START_SECONDS:.0f} s; see {data_dir / 'log'}")


def wait_for_exit(data_dir: Path, holder: "Popen[bytes]") -> None:
    """Wait until our holder ends, unless other commands still use it."""
    while holder.poll() is None:
        with exclusive_if_unused(data_dir) as unused:
            pass
        if not unused and published(data_dir) is not None:
            holder.returncode = 0  # it ends with its last user, another command
            return
        time.sleep(POLL)
