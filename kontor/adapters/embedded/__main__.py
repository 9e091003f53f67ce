"""Run the servers of a data directory while commands use them.

python -m kontor.adapters.embedded DIR [--scratch] [--postgres | --valkey]
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kontor.adapters.embedded.endpoints import AlreadyOwned, exclusive_if_unused
from kontor.adapters.embedded.process import StartFailed
from kontor.adapters.embedded.servers import EmbeddedServers, owned_servers

POLL_SECONDS = 0.1
PAUSE_SECONDS = 1.0


def serve_until_unused(folder: Path, *, scratch: bool, only: str | None) -> None:
    """Run the servers until no process uses them; a scratch folder is not durable and is removed at the end."""
    with owned_servers(folder, durable=not scratch, only=only) as servers:
        while True:
            revive(servers)
            with exclusive_if_unused(folder) as unused:
                if unused:
                    servers.stop()
                    if scratch:
                        shutil.rmtree(folder)
                    return
            time.sleep(POLL_SECONDS)


def revive(servers: EmbeddedServers) -> None:
    """Restart servers that died; after a failure the next call tries again."""
    try:
        servers.revive()
    except StartFailed as error:
        sys.stderr.write(f"{error}\n")
        time.sleep(PAUSE_SECONDS)


def main(arguments: Sequence[str]) -> None:
    """Run the servers; report an error as one line on stderr."""
    try:
        only = next((name for name in ("postgres", "valkey") if f"--{name}" in arguments), None)
        serve_until_unused(Path(arguments[0]), scratch="--scratch" in arguments, only=only)
    except (AlreadyOwned, StartFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
