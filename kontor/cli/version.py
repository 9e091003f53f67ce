"""Which Kontor this is: its version, the commit it was made of, the newest schema it knows."""

import json
import subprocess
from pathlib import Path
from typing import Final

from workers.connections import installed_version
from workers.migrations import ROOT, newest_revision

COMMIT: Final = Path(__file__).resolve().parents[1] / "COMMIT"
"""Written by `make build` into the wheel."""


def installed(*, as_json: bool) -> str:
    """Return one line, or one JSON document `{version, commit, schema}`; an unknown commit is null."""
    version, commit, schema = installed_version(), commit_of(ROOT), newest_revision()
    if as_json:
        return json.dumps({"version": version, "commit": commit, "schema": schema})
    return f"kontor {version} (commit {commit or 'unknown'}, schema {schema})"


def commit_of(checkout: Path) -> str | None:
    """Return the commit of the wheel or of the checkout, None where neither says."""
    if COMMIT.exists():
        return COMMIT.read_text().strip()
    if not (checkout / ".git").exists():
        return None
    argv = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None
