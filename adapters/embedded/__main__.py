"""Run the servers of a data directory while commands use them: python -m adapters.embedded DIR [--scratch]."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.embedded.endpoints import Owned, exclusive_if_unused
from adapters.embedded.process import StartFailed
from adapters.embedded.servers import owned_servers

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
    except (Owned, StartFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
