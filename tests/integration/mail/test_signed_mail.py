"""A mail is built, signed, sent and received for real; dkimpy checks the signature."""

import email
from base64 import b64encode
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kontor.adapters.dkim import DkimSigner, signer_from_file
from kontor.adapters.smtp import SmtpTransport
from kontor.mailer.brand import Brand
from kontor.mailer.build import MailBuilder, OutgoingMail
from kontor.mailer.identity import Addressee, OutgoingAddress, sender_for
from kontor.mailer.mime import BuiltMail
from kontor.mailer.render import Renderer
from kontor.mails.preview import SAMPLE_LINKS, sample_facts
from tests.integration.mail.smtp_receiver import Receiver, Server

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def signer(key: rsa.RSAPrivateKey, tmp_path: Path) -> DkimSigner:
    path = tmp_path / "dkim.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return signer_from_file(path, "kontor.example", "autumn", lambda: NOW)


def verified(raw: bytes, key: rsa.RSAPrivateKey) -> bool:
    public = b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def txt(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"autumn._domainkey.kontor.example."
        return b"v=DKIM1; k=rsa; p=" + public

    return bool(dkim.verify(raw, dnsfunc=txt))  # type: ignore[no-untyped-call]  # dkimpy has no types


def built(language: str, signer: DkimSigner) -> BuiltMail:
    brand = Brand('Jürgens "Akademie", Köln', "https://learn.example")
    letter = OutgoingMail(
        template="licences-ending",
        fact_key="licence-1",
        locale=language,
        timezone="Europe/Berlin",
        brand=brand,
        sender=sender_for(
            brand.name,
            OutgoingAddress("hallo@akademie.example", verified=True),
            {"en": "noreply@kontor.example"},
            language,
            "bounce@kontor.example",
        ),
        to=Addressee("o'brien+test@client.example", 'Zoë "Z" O\'Brien; <x>'),
        cc=(Addressee("boss@akademie.example"),),
        facts=sample_facts()["licences-ending"],
        links=SAMPLE_LINKS,
    )
    return MailBuilder(Renderer(), signer).build(letter, NOW)


@pytest.mark.parametrize("language", ["en", "de", "fr", "ru", "ja"])
def test_received_mail_is_signed_and_unchanged(
    language: str, controller: Server, receiver: Receiver, signer: DkimSigner, key: rsa.RSAPrivateKey
) -> None:
    mail = built(language, signer)
    transport = SmtpTransport(f"smtp://127.0.0.1:{controller.port}", timeout=5)
    for address in mail.envelope.recipients:
        transport.send(mail.envelope.sender.envelope, address, mail.raw)
    transport.close()
    assert [to for _, to, _ in receiver.got] == [["o'brien+test@client.example"], ["boss@akademie.example"]]
    assert {(sender, raw) for sender, _, raw in receiver.got} == {("bounce@kontor.example", mail.raw)}
    raw = receiver.got[0][2]
    assert verified(raw, key)
    message = email.message_from_bytes(raw, policy=default)
    assert message["To"].addresses[0].display_name == 'Zoë "Z" O\'Brien; <x>'
    assert message["From"].addresses[0].display_name == 'Jürgens "Akademie", Köln'
    assert message["From"].addresses[0].addr_spec == "hallo@akademie.example"
    assert message["Sender"] == "noreply@kontor.example"


@pytest.mark.parametrize(
    "header", [b"From", b"Sender", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"List-Unsubscribe"]
)
def test_signature_covers_the_important_headers(header: bytes, signer: DkimSigner, key: rsa.RSAPrivateKey) -> None:
    raw = built("en", signer).raw
    assert verified(raw, key)
    assert not verified(raw.replace(b"\r\n" + header + b": ", b"\r\n" + header + b": x", 1), key)


def test_added_from_or_changed_body_breaks_the_signature(signer: DkimSigner, key: rsa.RSAPrivateKey) -> None:
    raw = built("en", signer).raw
    assert not verified(b"From: other@world.example\r\n" + raw, key)
    assert not verified(raw + b"more\r\n", key)


def test_lines_of_the_signature_are_short(signer: DkimSigner) -> None:
    head = built("en", signer).raw.partition(b"\r\nDate:")[0]
    assert head.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=kontor.example;")
    assert max(map(len, head.split(b"\r\n"))) <= 90


def test_key_that_cannot_sign_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ec.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="not an RSA key"):
        signer_from_file(path, "kontor.example", "autumn", lambda: NOW)
