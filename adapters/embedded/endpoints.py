"""Ownership and addresses of a data directory's servers: lock files and a JSON file."""

import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

# sun_path holds 108 bytes with its terminating zero; the longest file name is that of PostgreSQL's lock file.
SOCKET_PATH_LIMIT = 107
POLL = 0.02
STOPPING_SECONDS = 10.0
LONGEST_NAME = ".s.PGSQL.5432.lock"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs of the running servers of a data directory."""

    database_url: str
    redis_url: str
    smtp_url: str | None = None
    web_url: str | None = None


class Owned(Exception):
    """Another process runs the servers of this data directory."""


def prepare(data_dir: Path) -> None:
    """Create a data directory with mode 0700; an existing one keeps its mode."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("log", "run"):
        (data_dir / name).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def owner_lock(data_dir: Path, timeout: float = STOPPING_SECONDS) -> Iterator[None]:
    """Hold the owner lock of a data directory. Raises Owned when another live process holds it.

    Waits for an owner that is about to stop because its users have ended.
    """
    descriptor = os.open(data_dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not acquire_owner_lock(descriptor, data_dir, timeout):
            raise Owned(f"another process runs the servers of {data_dir}: end it, or set another KONTOR_DATA_DIR")
        (data_dir / "servers.json").unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def acquire_owner_lock(descriptor: int, data_dir: Path, timeout: float) -> bool:
    """Take the owner's lock, looking again for `patience` seconds unless the owner is a running `kontor up`."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            endpoints = published(data_dir)
            stays = endpoints is not None and endpoints.web_url is not None and is_owned(data_dir)
            if stays or time.monotonic() > deadline:
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
    """Write the server URLs atomically, for other commands."""
    draft = data_dir / f"servers.json.{os.getpid()}"
    draft.write_text(json.dumps(asdict(endpoints)))
    draft.replace(data_dir / "servers.json")


def published(data_dir: Path) -> Endpoints | None:
    """Return the published URLs, None when there are none yet."""
    try:
        return Endpoints(**json.loads((data_dir / "servers.json").read_text()))
    except FileNotFoundError:
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
