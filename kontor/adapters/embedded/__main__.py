"""Run the servers of a data directory while commands use them: python -m kontor.adapters.embedded DIR [--scratch]."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kontor.adapters.embedded.endpoints import AlreadyOwned, exclusive_if_unused
from kontor.adapters.embedded.process import StartFailed
from kontor.adapters.embedded.servers import owned_servers

POLL_SECONDS = 0.1


def serve_until_unused(folder: Path, *, scratch: bool) -> None:
    """Run both servers until no process uses them; a scratch folder is not durable and is removed at the end."""
    with owned_servers(folder, durable=not scratch) as servers:
        while True:
            servers.revive()
            with exclusive_if_unused(folder) as unused:
                if unused:
                    servers.stop()
                    if scratch:
                        shutil.rmtree(folder)
                    return
            time.sleep(POLL_SECONDS)


def main(arguments: Sequence[str]) -> None:
    """Run the servers; report an error as one line on stderr."""
    try:
        serve_until_unused(Path(arguments[0]), scratch="--scratch" in arguments)
    except (AlreadyOwned, StartFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
