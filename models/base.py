"""Declarative base: naming conventions and column types of all tables."""

import importlib
import pkgutil
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import CheckConstraint, DateTime, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

import models

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

JsonObject = dict[str, Any]
"""A JSON object whose keys depend on its type: the facts of a mail, the data of an event."""


class Base(DeclarativeBase):
    """Base of all tables. Times are timestamptz, ids UUIDv7, enums text with a named CHECK."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it as a class attribute
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        str: Text(),
        Decimal: Numeric(20, 4),
        JsonObject: JSONB(),
        dict[str, JsonValue]: JSONB(),
        dict[str, float]: JSONB(),
        dict[str, str]: JSONB(),
        list[JsonObject]: JSONB(),
        list[dict[str, JsonValue]]: JSONB(),
    }


def enum_check(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Build a named CHECK that `column` holds one of `values` (an enum or some of its members)."""
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def metadata() -> MetaData:
    """Import every module of this package and return the metadata of all tables."""
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")
    return Base.metadata
