"""What is kept of what callers and handlers sent: configs and results with secrets masked, metadata by whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from kontor.engine.declared import replaced
from kontor.engine.masking import MASK, masked
from kontor.kernel.errors import FieldError, Invalid
from kontor.programme.provisioning import ProvisioningRules
from kontor.task_types.json_schema import SchemaCheck

if TYPE_CHECKING:  # workers load no request layer
    from kontor.http.context import RequestContext

Config = Mapping[str, JsonValue]
NONE: Final[Config] = {}
MOST_KEYS: Final = 50
KEY_LENGTH: Final = 40
VALUE_LENGTH: Final = 500
OPERATOR: Final = "operator"
RESELLER: Final = "reseller"


def checked(rules: ProvisioningRules, config: Config | None) -> Config:
    """Return a config that fits the product's schema. Raises Invalid(`invalid_config`)."""
    config = NONE if config is None else config
    if rules.config is None:
        if config:
            message = "The product takes no config."
            raise Invalid("invalid_config", message, errors=[FieldError("config", message)])
        return config
    misfits = SchemaCheck(rules.config).errors(config)
    if misfits:
        errors = [FieldError(each.loc.replace("args", "config", 1), each.msg) for each in misfits]
        raise Invalid("invalid_config", "The config does not fit the product's schema.", errors=errors)
    return config


def masked_config(rules: ProvisioningRules, config: Config) -> dict[str, JsonValue]:
    """Return a valid config with its sensitive members masked."""
    if rules.config is None:
        return dict(config)
    whole: Mapping[str, object] = config
    for place in SchemaCheck(rules.config).sensitive(config):
        whole = replaced(whole, place, MASK)
    return dict(whole)  # type: ignore[arg-type]  # JSON values replaced by a text


def agrees(stored: object, config: object) -> bool:
    """Whether a config is the one stored, as far as that shows it: masked members may be any."""
    match stored, config:
        case str(), _ if stored == MASK:
            return True
        case Mapping(), Mapping():
            return stored.keys() == config.keys() and all(agrees(stored[key], config[key]) for key in stored)
        case _:
            return stored == config


def masked_result(rules: ProvisioningRules, result: JsonValue) -> JsonValue:
    """Return what a handler answered without members that the config's schema marks; the job masked its own."""
    return masked(rules.config or {}, result)


@dataclass(frozen=True, slots=True)
class Notes:
    """The metadata that a caller writes. `side`: whose it is."""

    side: str
    values: Mapping[str, str]

    def added_to(self, stored: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
        """Return what is stored with this side replaced. Raises Invalid for too many keys, or too long ones."""
        if len(self.values) > MOST_KEYS:
            raise _invalid("metadata", f"Metadata has at most {MOST_KEYS} keys.")
        for key, value in self.values.items():
            if not 1 <= len(key) <= KEY_LENGTH or len(value) > VALUE_LENGTH:
                message = f"A key has 1 to {KEY_LENGTH} characters, a value at most {VALUE_LENGTH}."
                raise _invalid(f"metadata.{key[:KEY_LENGTH]}", message)
        return {**(stored or {}), self.side: dict(self.values)}


def side_of(ctx: RequestContext) -> str:
    """Return whose metadata a caller sees and writes."""
    return OPERATOR if ctx.caller.reseller_id is None else RESELLER


def notes_of(ctx: RequestContext, metadata: Mapping[str, str] | None) -> Notes | None:
    """Return the metadata of a request with whose it is."""
    return None if metadata is None else Notes(side_of(ctx), metadata)


def shown(stored: Mapping[str, JsonValue] | None, side: str) -> dict[str, str]:
    """Return the metadata of one side."""
    own = (stored or {}).get(side)
    return {key: str(value) for key, value in own.items()} if isinstance(own, dict) else {}


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("invalid", message, errors=[FieldError(field, message)])
