"""Hold the servers of a data directory while commands use them: python -m adapters.embedded DIR [--scratch]."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.embedded.endpoints import Owned, nobody_uses
from adapters.embedded.process import StartFailed
from adapters.embedded.servers import owned_servers

LOOK_SECONDS = 0.1


def hold(folder: Path, *, scratch: bool) -> None:
    """Run both servers until nobody uses them; a scratch folder is not durable and is removed at the end."""
    with owned_servers(folder, durable=not scratch) as servers:
        while True:
            servers.revive()
            with nobody_uses(folder) as alone:
                if alone:
                    servers.stop()
                    if scratch:
                        shutil.rmtree(folder)
                    return
            time.sleep(LOOK_SECONDS)


def main(arguments: Sequence[str]) -> None:
    """Hold; an error is one line on stderr."""
    try:
        hold(Path(arguments[0]), scratch="--scratch" in arguments)
    except (Owned, StartFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
