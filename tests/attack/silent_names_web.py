"""`kontor web` of production on a machine whose name server never answers."""

import sys
from collections.abc import Sequence

from dns.asyncresolver import Resolver

from kontor.adapters import resolver
from kontor.cli import main
from tests.support.name_server import NameServer, name_server

ROLE: Sequence[str] = ("kontor", "web")


class SilentResolver(Resolver):
    """Asks the silent name server alone, whatever the machine is configured with."""

    server: NameServer

    def __init__(self) -> None:
        super().__init__(configure=False)
        self.nameservers, self.port = ["127.0.0.1"], self.server.port


def serve() -> int:
    """Run the web process until a stop signal; returns its exit status."""
    with name_server(silent=True) as server:
        SilentResolver.server = server
        vars(resolver)["Resolver"] = SilentResolver
        sys.argv = list(ROLE)
        return main.main()


if __name__ == "__main__":
    sys.exit(serve())
