"""Drive a peer from outside: `python -m bench.peers.entry MODULE prepare | enqueue FIRST COUNT | work …`."""

import importlib
import sys


def main() -> None:
    """Do what the arguments say; the peer is imported by name so that it is never `__main__`."""
    module, *rest = sys.argv[1:]
    peer = importlib.import_module(f"bench.peers.{module}")
    match rest:
        case ["prepare"]:
            peer.prepare()
        case ["enqueue", first, count]:
            peer.enqueue(range(int(first), int(first) + int(count)))
        case ["work", *options]:
            peer.work(*options)
        case _:
            sys.exit("usage: MODULE prepare | MODULE enqueue FIRST COUNT | MODULE work …")


if __name__ == "__main__":
    main()
