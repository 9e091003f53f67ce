"""Structured logs on stderr, as columns or JSON, for structlog and the standard library."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Final, Literal

import structlog

MASK: Final = "***"
MASKED_FIELDS: Final = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|^(raw|body|html|text|message_body|payload|args|facts)$",
    re.IGNORECASE,
)
"""Names of fields that are always masked: credentials, mail contents, job payloads."""

SECRET_PATTERN: Final = re.compile(
    r"(?P<kept>\bkontor_|whsec_|Bearer\s+|Basic\s+|/(?:offers|activate|unsubscribe)/)[\w.+/=~-]{16,}"
    r"|(?P<scheme>://)[^/\s@]+(?=@)",
    re.IGNORECASE,
)
"""Patterns of API keys, signing secrets, link tokens and passwords in URLs, anywhere in a text."""


def configure_logs(kind: Literal["console", "json"], role: str, level: int = logging.INFO) -> None:
    """Send all logs of this process to stderr with its role. Call once at process start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_role(role),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("event"),
            *renderers(kind),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for logger_name in ("alembic", "mail.log"):
        logging.getLogger(logger_name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _add_role(role: str) -> structlog.typing.Processor:
    """Return a processor that adds the role in all threads; a context variable would not reach other threads."""

    def add_role(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        event["role"] = role
        return event

    return add_role


def renderers(kind: Literal["console", "json"]) -> list[structlog.typing.Processor]:
    """Return the processors that render a line: JSON with the traceback as text, or columns."""
    shown: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, mask_secrets]
    if kind == "json":
        return [*shown, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [*shown, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Mask credentials, mails and payloads of a line, by field name and by pattern."""
    for name, value in event.items():
        event[name] = MASK if MASKED_FIELDS.search(name) else mask(value)
    return event


def mask(value: object) -> object:
    """Mask secrets in a value, also in nested ones."""
    match value:
        case str():
            return SECRET_PATTERN.sub(lambda match: f"{match['kept'] or match['scheme']}{MASK}", value)
        case Mapping():
            return {name: MASK if MASKED_FIELDS.search(str(name)) else mask(inner) for name, inner in value.items()}
        case list() | tuple():
            return [mask(inner) for inner in value]
        case _:
            return value
