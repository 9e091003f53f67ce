"""Which folder is a data directory, where its `.env` is, and who may begin a new one."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from kontor.adapters.embedded import endpoints

MARKER: Final = "kontor-data"
MARKER_TEXT: Final = "A data directory of Kontor: database, keys, logs and caught mails. Keep it.\n"
# What releases before the marker left behind: the first three hold what cannot be made again.
STORED: Final = frozenset({"postgres", "valkey", "secret_key"})
MAIL: Final = "mail"
"""The folder of caught mails in it."""
OWN: Final = STORED | {"first-login.json", "log", "lost+found", MAIL, "owner.lock", "run", "users.lock"}
SANDBOX_KEY: Final = "sandbox-key.json"
DEFAULT: Final = Path(".kontor")
REMEDY: Final = (
    "go to the folder of your deployment, name it with --data-dir or KONTOR_DATA_DIR, or begin a new one with"
    " `kontor up`"
)


class NoDataDirectory(Exception):
    """A folder is no data directory, or cannot become one; the message is one line that says what to do."""


def env_file_of(environ: Mapping[str, str]) -> Path:
    """Return the settings file: KONTOR_ENV_FILE, else `.env` beside the data directory. Raises NoDataDirectory."""
    if named := environ.get("KONTOR_ENV_FILE"):
        if not Path(named).is_file():
            raise NoDataDirectory(f"KONTOR_ENV_FILE names {named}, which is not a file: correct it, or --env-file")
        return Path(named)
    return Path(environ.get("KONTOR_DATA_DIR") or DEFAULT).parent / ".env"


def is_data_directory(folder: Path) -> bool:
    """Whether a folder has the marker, or what a release before the marker stored in it."""
    return any((folder / name).exists() for name in (MARKER, *STORED))


def require(folder: Path, env_file: Path, unset: str) -> None:
    """Check that a data directory exists; `unset` names the settings that would make it needless.

    Raises NoDataDirectory.
    """
    if not is_data_directory(folder):
        kind = "has no data of Kontor" if folder.is_dir() else "does not exist"
        raise NoDataDirectory(
            f"the data directory {folder} {kind}, and neither the environment nor {env_file.absolute()} sets {unset}:"
            f" {REMEDY}"
        )


def begin(folder: Path) -> None:
    """Make a folder a data directory, mode 0700, unless it is one. Raises NoDataDirectory for a folder of others."""
    if folder.is_dir() and not is_data_directory(folder):
        others = sorted(path.name for path in folder.iterdir() if path.name not in OWN)
        if others:
            raise NoDataDirectory(
                f"{folder} has files that are not Kontor's ({others[0]}): name a new or an empty folder with --data-dir"
                " or KONTOR_DATA_DIR"
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / MARKER).exists():
        (folder / MARKER).write_text(MARKER_TEXT)


def stored_secret(data_dir: Path) -> str:
    """Return the secret of an embedded deployment; created on first use, mode 0600."""
    path = data_dir / "secret_key"
    if not path.exists():
        endpoints.prepare(data_dir)
        draft = data_dir / f"secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
