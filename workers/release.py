"""Which release of Kontor this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The version of this installation."""
    try:
        return version("kontor")
    except PackageNotFoundError:
        return "0.0.0"
