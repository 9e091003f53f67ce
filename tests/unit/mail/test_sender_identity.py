"""Section 3 of the programme: From, Sender, Reply-To and the bounce address."""

import pytest

from kontor.mailer.identity import OutgoingAddress, SenderIdentity, sender_for

DEFAULTS = {"en": "noreply@kontor.example", "fr": "pas-repondre@kontor.example"}


def decide(outgoing: OutgoingAddress | None, locale: str = "en") -> SenderIdentity:
    return sender_for("Nordlicht", outgoing, DEFAULTS, locale, "bounce@kontor.example")


def test_verified_address_of_another_domain_is_from_with_a_sender() -> None:
    sender = decide(OutgoingAddress("hello@nordlicht.example", verified=True))
    assert (sender.author.email, sender.author.name) == ("hello@nordlicht.example", "Nordlicht")
    assert (sender.sender, sender.reply_to) == ("noreply@kontor.example", None)


def test_verified_address_of_our_own_domain_needs_no_sender() -> None:
    sender = decide(OutgoingAddress("nordlicht@KONTOR.example", verified=True))
    assert (sender.author.email, sender.sender) == ("nordlicht@kontor.example", None)


def test_unverified_address_is_only_reply_to() -> None:
    sender = decide(OutgoingAddress("hello@nordlicht.example", verified=False))
    assert (sender.author.email, sender.author.name) == ("noreply@kontor.example", "Nordlicht")
    assert (sender.sender, sender.reply_to) == (None, "hello@nordlicht.example")


def test_provider_address_with_the_brand_name_is_the_default() -> None:
    sender = decide(None)
    assert (sender.author.email, sender.author.name) == ("noreply@kontor.example", "Nordlicht")
    assert (sender.sender, sender.reply_to) == (None, None)


def test_contact_is_reply_to_when_no_address_is_chosen() -> None:
    for outgoing, reply_to in (
        (None, "chef@nordlicht.example"),
        (OutgoingAddress("a@b.example", verified=False), "a@b.example"),
        (OutgoingAddress("a@b.example", verified=True), None),
    ):
        sender = sender_for("Nordlicht", outgoing, DEFAULTS, "en", "bounce@kontor.example", "chef@nordlicht.example")
        assert sender.reply_to == reply_to


@pytest.mark.parametrize(
    ("locale", "address"),
    [("fr", "pas-repondre@"), ("fr-CA", "pas-repondre@"), ("de", "noreply@"), ("en-GB", "noreply@")],
)
def test_provider_address_depends_on_the_language(locale: str, address: str) -> None:
    assert decide(None, locale).author.email == f"{address}kontor.example"


@pytest.mark.parametrize(
    "outgoing", [None, OutgoingAddress("a@b.example", verified=True), OutgoingAddress("a@b.example", verified=False)]
)
def test_envelope_sender_is_always_ours(outgoing: OutgoingAddress | None) -> None:
    assert decide(outgoing).envelope == "bounce@kontor.example"
    assert decide(outgoing).domain == "kontor.example"
