"""Values of JSON whose shape the API leaves open, such as args, results and config."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
