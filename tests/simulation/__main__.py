"""`make simulate`. Its processes need an importable name for what they run: see `runs`."""

import sys

from tests.simulation.runs import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
