"""The transport over implicit TLS and STARTTLS, and with a password."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kontor.adapters.smtp import SmtpTransport
from kontor.adapters.smtp_pool import SmtpAddress, smtp_address
from kontor.kernel.ports import MailDeferred
from tests.integration.mail.smtp_receiver import Receiver, Server

RAW = b"From: a@kontor.example\r\nSubject: x\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def ours(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def password_is_right(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    right = (data.login, data.password) == (b"kontor", b"p@ss/word")
    return AuthResult(success=right, handled=right, auth_data="kontor" if right else None)


@pytest.fixture
def starttls(receiver: Receiver, ours: ssl.SSLContext) -> Iterator[Server]:
    running = Server(
        receiver,
        hostname="127.0.0.1",
        port=0,
        tls_context=ours,
        require_starttls=True,
        authenticator=password_is_right,
        auth_required=True,
    )
    running.start()
    yield running
    running.stop()


def test_starttls_with_a_password_is_accepted(starttls: Server, receiver: Receiver, trusting: ssl.SSLContext) -> None:
    url = f"smtp://kontor:p%40ss%2Fword@127.0.0.1:{starttls.port}?starttls=1"
    transport = SmtpTransport(url, timeout=5, tls_context=trusting)
    transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    assert [raw for _, _, raw in receiver.got] == [RAW]


def test_wrong_password_defers_the_mail(starttls: Server, receiver: Receiver, trusting: ssl.SSLContext) -> None:
    url = f"smtp://kontor:wrong@127.0.0.1:{starttls.port}?starttls=1"
    transport = SmtpTransport(url, timeout=5, tls_context=trusting)
    with pytest.raises(MailDeferred, match="535"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    assert receiver.got == []


def test_untrusted_certificate_aborts_the_connection(starttls: Server, receiver: Receiver) -> None:
    transport = SmtpTransport(f"smtp://127.0.0.1:{starttls.port}?starttls=1", timeout=5)
    with pytest.raises(MailDeferred, match=r"(?i)certificate"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    assert receiver.got == []


def test_smtps_is_encrypted_from_the_start(receiver: Receiver, ours: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    running = Server(receiver, hostname="127.0.0.1", port=0, ssl_context=ours)
    running.start()
    transport = SmtpTransport(f"smtps://127.0.0.1:{running.port}", timeout=5, tls_context=trusting)
    transport.send("x@kontor.example", "b@client.example", RAW)
    transport.check()
    transport.close()
    running.stop()
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smtp://mail.example", SmtpAddress("mail.example", 25)),
        ("smtps://mail.example", SmtpAddress("mail.example", 465, tls=True)),
        ("smtp://u:p%3A@mail.example?starttls=1", SmtpAddress("mail.example", 587, "u", "p:", starttls=True)),
        ("smtp://[::1]:2525?starttls=0", SmtpAddress("::1", 2525)),
    ],
)
def test_url_sets_host_port_credentials_and_tls(url: str, address: SmtpAddress) -> None:
    assert smtp_address(url) == address


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://x?tls=1", "smtps://x?starttls=1", "mail.example:25"])
def test_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        smtp_address(url)


def test_password_is_never_printed() -> None:
    assert "secret" not in repr(smtp_address("smtp://u:secret@mail.example")) + str(smtp_address("smtp://u:secret@x"))
