"""Structured logs on stderr: lines for people or JSON for machines, from structlog and the standard library alike."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal

import structlog

MASK: Final = "***"
HIDDEN: Final = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|^(raw|body|html|text|message_body|payload|args|facts)$",
    re.IGNORECASE,
)
"""Names of values that no line shows: credentials, what a mail says, what a job carries."""

SECRETS: Final = re.compile(
    r"(?P<kept>\bkontor_|whsec_|Bearer\s+|Basic\s+|/(?:offers|activate|unsubscribe)/)[\w.+/=~-]{16,}"
    r"|(?P<scheme>://)[^/\s@]+(?=@)",
    re.IGNORECASE,
)
"""What a key, a signing secret, a link's token and a URL's password look like, wherever they stand."""


def configure_logs(kind: Literal["console", "json"], role: str, level: int = logging.INFO) -> None:
    """Send every log of this process to stderr, named after its role. Called once where the process starts."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_role(role),
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
            *ending(kind),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("alembic", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
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


def _of_role(role: str) -> structlog.typing.Processor:
    """Names the process in lines of every thread; a context variable would stay with the one that set it."""

    def named(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["role"] = role
        return event

    return named


def ending(kind: Literal["console", "json"]) -> list[structlog.typing.Processor]:
    """How a line looks: JSON with the traceback as text, or columns."""
    shown: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, without_secrets]
    if kind == "json":
        return [*shown, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [*shown, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with every credential, mail and payload masked, by name and by look."""
    for name, value in event.items():
        event[name] = MASK if HIDDEN.search(name) else masked(value)
    return event


def masked(value: Any) -> Any:
    """A value of a line with what looks like a secret masked, also deep inside."""
    match value:
        case str():
            return SECRETS.sub(lambda hit: f"{hit['kept'] or hit['scheme']}{MASK}", value)
        case Mapping():
            return {name: MASK if HIDDEN.search(str(name)) else masked(inner) for name, inner in value.items()}
        case list() | tuple():
            return [masked(inner) for inner in value]
        case _:
            return value
