"""Hold the servers of a scratch directory while another process lives: python -m adapters.embedded DIR PID."""

import os
import select
import shutil
import sys
from pathlib import Path

from adapters.embedded.servers import embedded_servers


def hold(folder: Path, pid: int) -> None:
    """Run both servers until `pid` ends, then remove the folder. Not durable."""
    watched = os.pidfd_open(pid)
    with embedded_servers(folder, durable=False):
        select.select([watched], [], [])
    shutil.rmtree(folder)


if __name__ == "__main__":
    hold(Path(sys.argv[1]), int(sys.argv[2]))
