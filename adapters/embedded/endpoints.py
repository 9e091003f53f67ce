"""Who owns a data directory's servers, and where they listen: a lock and a small file beside it."""

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

# sun_path holds 108 bytes with its final zero; the longest name put below the folder is PostgreSQL's lock file.
SOCKET_PATH_LIMIT = 107
POLL = 0.02
STOPPING_SECONDS = 10.0
LONGEST_NAME = ".s.PGSQL.5432.lock"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running owner's servers are."""

    database_url: str
    redis_url: str
    smtp_url: str | None = None
    web_url: str | None = None


class Owned(Exception):
    """Another process owns the servers of this data directory."""


def prepare(data_dir: Path) -> None:
    """Make a data directory of mode 0700; an existing one keeps its mode."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("log", "run"):
        (data_dir / name).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def ownership(data_dir: Path, patience: float = STOPPING_SECONDS) -> Iterator[None]:
    """Own the servers of a data directory; raises Owned when another living process keeps them.

    One that is about to stop, because the commands that used it have ended, is waited for.
    """
    descriptor = os.open(data_dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not locked(descriptor, data_dir, patience):
            raise Owned(f"another process runs the servers of {data_dir}: end it, or set another KONTOR_DATA_DIR")
        (data_dir / "servers.json").unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def locked(descriptor: int, data_dir: Path, patience: float) -> bool:
    """Take the owner's lock, looking again for `patience` seconds unless the owner is there to stay."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = published(data_dir)
            stays = found is not None and found.web_url is not None and is_owned(data_dir)
            if stays or time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        else:
            return True


@contextmanager
def usage(data_dir: Path) -> Iterator[None]:
    """Be known as a user of the servers for the length of the block; waits while they are being stopped."""
    path = data_dir / "users.lock"
    while True:
        prepare(data_dir)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file.fileno()).st_nlink:  # else it was removed with its folder
                yield
                return


@contextmanager
def nobody_uses(data_dir: Path) -> Iterator[bool]:
    """Whether there is no user; if so, new ones wait until the block ends."""
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
    """Whether a living process owns the servers."""
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
    """Tell commands beside us where the servers are; whole or not at all."""
    draft = data_dir / f"servers.json.{os.getpid()}"
    draft.write_text(json.dumps(asdict(endpoints)))
    draft.replace(data_dir / "servers.json")


def published(data_dir: Path) -> Endpoints | None:
    """What the owner published, None when it has not yet."""
    try:
        return Endpoints(**json.loads((data_dir / "servers.json").read_text()))
    except FileNotFoundError:
        return None


def socket_folder(data_dir: Path) -> Path:
    """A folder of mode 0700 for sockets: in the data directory, or a temporary one if that path is too long."""
    folder = data_dir / "run"
    if len(os.fsencode(folder / LONGEST_NAME)) <= SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"kontor-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) != 0o700 or not stat.S_ISDIR(facts.st_mode):
        raise PermissionError(f"{folder} is not ours alone; remove it or choose a shorter KONTOR_DATA_DIR")
    return folder
