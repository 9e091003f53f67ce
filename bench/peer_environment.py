"""The peers' virtual environment, built on first use from bench/requirements.lock."""

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.processes import Failed

LOCK = Path(__file__).with_name("requirements.lock")
NAMED = ("dramatiq", "celery", "procrastinate", "pgqueuer", "asyncpg", "psycopg", "redis")
VERSIONS = "import importlib.metadata as m, sys; print(*(m.version(n) for n in sys.argv[1:]))"


def peer_python(folder: Path) -> Path:
    """The interpreter of the environment below `folder`; takes a minute when it must be built."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = folder / f"peers-{digest}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        quietly([sys.executable, "-m", "venv", "--clear", str(home)])
        quietly([str(python), "-m", "pip", "install", "--require-hashes", "-r", str(LOCK)])
        (home / "complete").touch()
    return python


def quietly(argv: list[str]) -> None:
    """Run to the end; what it said is shown only when it fails. Raises Failed."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-2000:]}")


def peer_versions(python: Path) -> dict[str, str]:
    """What is installed there."""
    shown = subprocess.run([str(python), "-c", VERSIONS, *NAMED], check=True, capture_output=True, text=True)
    return dict(zip(NAMED, shown.stdout.split(), strict=True))
