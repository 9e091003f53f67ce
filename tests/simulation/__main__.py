"""`make simulate`. What its processes run has to have a name they can import: see years."""

import sys

from tests.simulation.years import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
