"""Tables, one file per aggregate, no behaviour."""

import importlib
import pkgutil

from sqlalchemy import MetaData


def metadata() -> MetaData:
    """Import every module of this package and return the metadata of all tables."""
    from models.base import Base

    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return Base.metadata
