"""A renderer, and mails built from the samples."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mail.addresses import Addressee
from mail.brand import Brand
from mail.build import Letter, MailBuilder
from mail.identity import sender_for
from mail.message import BuiltMail
from mail.render import Renderer
from mail.samples import LINKS, sample_facts

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
DEFAULTS = {"en": "noreply@kontor.example", "fr": "pas-repondre@kontor.example"}
Build = Callable[..., BuiltMail]


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def build(renderer: Renderer) -> Build:
    """Build a sample mail; `fields` replaces fields of the letter, `facts` those of the sample."""

    def built(template: str, locale: str = "en", facts: dict[str, Any] | None = None, **fields: Any) -> BuiltMail:
        brand = Brand("Nordlicht", "https://learn.example")
        letter = {
            "fact_key": "fact-1",
            "timezone": "Europe/Berlin",
            "brand": brand,
            "sender": sender_for("Nordlicht", None, DEFAULTS, locale, "bounce@kontor.example"),
            "to": Addressee("admin@client.example", role="client"),
            "links": LINKS,
            **fields,
        }
        return MailBuilder(renderer).build(
            Letter(template=template, locale=locale, facts=sample_facts()[template] | (facts or {}), **letter), NOW
        )

    return built
