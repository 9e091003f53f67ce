"""The installed version of Kontor."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the installed version, 0.0.0 when it is not installed as a package."""
    try:
        return version("kontor")
    except PackageNotFoundError:
        return "0.0.0"
