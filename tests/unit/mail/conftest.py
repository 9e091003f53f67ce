"""A renderer, and mails built from the samples."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kontor.mailer.brand import Brand
from kontor.mailer.build import MailBuilder, OutgoingMail
from kontor.mailer.identity import Addressee, sender_for
from kontor.mailer.mime import BuiltMail
from kontor.mailer.render import Renderer
from kontor.mails.preview import SAMPLE_LINKS, sample_facts

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
            "links": SAMPLE_LINKS,
            **fields,
        }
        return MailBuilder(renderer).build(
            OutgoingMail(template=template, locale=locale, facts=sample_facts()[template] | (facts or {}), **letter),
            NOW,
        )

    return built
