"""The embedded PostgreSQL: initdb, configuration, start, stop."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from kontor.adapters.embedded.launch import UNUSABLE
from kontor.adapters.embedded.process import (
    LogSection,
    StartFailed,
    StartRefused,
    kill_strays,
    postgres_binary,
    spawn,
    stop,
    wait_until,
)

NAMESPACE = "namespace"
NOBODY = 65534
USER = DATABASE = "kontor"
STOPPING: Final = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))

# Tuned for one machine with two cores that also runs everything else.
CONFIGURATION = """\
# Written by Kontor at every start. Your own settings belong in kontor.conf in this folder.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
max_locks_per_transaction = 256
shared_buffers = 256MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
fsync = {durable}
synchronous_commit = on
full_page_writes = {durable}
wal_buffers = 16MB
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 5min
autovacuum_naptime = 5s
autovacuum_max_workers = 3
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_delay = 1ms
log_min_messages = warning
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
log_timezone = 'UTC'
include_if_exists = 'kontor.conf'
"""
INITDB = [
    "--auth=trust",
    f"--username={USER}",
    "--encoding=UTF8",
    "--no-instructions",
    "--locale=C.UTF-8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]


def mode_for(folder: Path) -> str:
    """Return how a server on `folder` leaves uid 0: in a namespace for root's files, else as their owner."""
    if os.geteuid() != 0:
        return "direct"
    owner = folder.stat().st_uid
    return NAMESPACE if owner == 0 else str(owner)


def hand_over(folder: Path) -> None:
    """Change the owner of a cluster created in a user namespace to `nobody`: namespaces are no longer available."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


class Postgres:
    """One PostgreSQL server on `folder`, reached through a socket in `sockets`."""

    name = "postgres"

    def __init__(self, folder: Path, sockets: Path, log: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.sockets = sockets
        self.log = log
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self._section = LogSection(log)

    @property
    def url(self) -> str:
        """The database URL in SQLAlchemy's form."""
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(self.sockets), safe='/')}"

    def start(self) -> None:
        """Create the cluster if there is none, clean up after a crash and start; do not wait."""
        kill_strays(self.folder, "postgres")
        if not self.folder.exists():
            self._initialise()
        elif not (self.folder / "PG_VERSION").exists():
            contents = ", ".join(sorted(path.name for path in self.folder.iterdir())) or "nothing"
            raise StartRefused(f"{self.folder} is not a PostgreSQL cluster (it holds {contents}): move it away")
        self._remove_remains()
        self._configure()
        self._section = LogSection.from_now(self.log)
        program = str(postgres_binary("postgres"))
        self.process = spawn(
            [program, "-D", str(self.folder)],
            mode=mode_for(self.folder),
            death_signal=signal.SIGQUIT,
            cwd=self.folder,
            log=self.log,
        )

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until the server accepts connections."""
        assert self.process is not None, "start() comes first"
        try:
            wait_until(self._is_ready, self.process, timeout, self._section)
        except StartFailed:
            if self.process.returncode != UNUSABLE or self.folder.stat().st_uid != 0:
                raise
            hand_over(self.folder)
            self.start()
            wait_until(self._is_ready, self.process, timeout, self._section)

    def is_running(self) -> bool:
        """Whether the process is running; reaps it when it has ended."""
        return self.process is not None and self.process.poll() is None

    def failure(self) -> str:
        """Why the last run ended, from its log."""
        return self._section.failure()

    def ask_to_stop(self) -> None:
        """Do nothing: its users stop first."""

    def stop(self) -> None:
        """Request a fast shutdown, then an immediate one if that takes too long; leave no process behind.

        One that is not durable is stopped at once: it has nothing to write.
        """
        if self.process is not None:
            stop(self.process, STOPPING if self.durable else STOPPING[1:])
            # Killed, the postmaster leaves processes that go on writing to the folder for a moment.
            kill_strays(self.folder, self.name)

    def _is_ready(self) -> bool:
        """Check the status line of the lock file, as pg_ctl does, and that this process wrote it."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        mine = self.process is not None and lines[:1] == [str(self.process.pid)]
        return mine and len(lines) > 7 and lines[7].strip() == "ready"

    def _remove_remains(self) -> None:
        """Remove the locks and sockets of earlier runs: no server of ours is alive on this folder.

        PostgreSQL itself would judge them by `kill(pid, 0)`, which succeeds for zombies and for other programs.
        """
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        for path in self.sockets.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)

    def _initialise(self) -> None:
        """Create the cluster in a draft folder and rename it; as root without namespaces run as `nobody`."""
        self._section = LogSection.from_now(self.log)
        draft = self.folder.with_name(self.folder.name + ".new")
        if draft.exists():
            kill_strays(draft, "postgres")
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        status = self._run(draft, "initdb", INITDB if self.durable else [*INITDB, "--no-sync"])
        if status == UNUSABLE and os.geteuid() == 0:
            os.chown(draft, NOBODY, NOBODY)
            status = self._run(draft, "initdb", INITDB)
        if status == 0:
            status = self._run(draft, "postgres", ["postgres"], f"CREATE DATABASE {DATABASE};\n".encode())
        if status != 0:
            reason = self._section.failure()
            raise StartRefused(f"initdb ended with status {status}: {reason}; correct that, or set DATABASE_URL")
        (draft / "kontor.conf").touch(mode=0o600)
        os.chown(draft / "kontor.conf", draft.stat().st_uid, draft.stat().st_gid)
        draft.rename(self.folder)

    def _run(self, folder: Path, program: str, arguments: Sequence[str], stdin_data: bytes = b"") -> int:
        single = ["--single"] if program == "postgres" else []
        command = [str(postgres_binary(program)), *single, "-D", str(folder), *arguments]
        child = spawn(
            command, mode=mode_for(folder), death_signal=signal.SIGKILL, cwd=folder, log=self.log, stdin_data=stdin_data
        )
        return child.wait()

    def _configure(self) -> None:
        """Write the configuration in place; owner and mode are kept."""
        path = self.folder / "postgresql.conf"
        assert stat.S_ISREG(path.lstat().st_mode)
        durable = "on" if self.durable else "off"
        path.write_text(CONFIGURATION.format(sockets=self.sockets, durable=durable))
