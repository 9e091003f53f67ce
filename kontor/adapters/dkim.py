"""DKIM signatures (RFC 6376): canonicalized by dkimpy, signed by OpenSSL (dkimpy takes 10 ms)."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import Relaxed

SMALLEST_KEY = 1024
_SIGNED = (
    b"from",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-language",
    b"auto-submitted",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)


class DkimSigner:
    """A MailSigner for one domain and selector; `now` is wall time, aware."""

    def __init__(self, key: RSAPrivateKey, domain: str, selector: str, now: Callable[[], datetime]) -> None:
        self._key = key
        self._domain = domain.encode("ascii")
        self._selector = selector.encode("ascii")
        self._now = now

    def __call__(self, raw: bytes) -> bytes:
        """Return the message with a `DKIM-Signature` header prepended."""
        head, _, body = raw.partition(b"\r\n\r\n")
        headers = _relaxed(_split(head))
        named = [(name, value) for signed_name in _SIGNED for name, value in headers if name == signed_name]
        unsigned = self._fields(named, body)
        own = _relaxed([(b"dkim-signature", unsigned)])[0][1].rstrip()
        signed = b"".join(name + b":" + value for name, value in [*named, (b"dkim-signature", own)])
        signature = b64encode(self._key.sign(signed, PKCS1v15(), SHA256()))
        return b"DKIM-Signature: " + unsigned + _wrapped(signature) + b"\r\n" + raw

    def _fields(self, named: list[tuple[bytes, bytes]], body: bytes) -> bytes:
        digest = b64encode(sha256(_relaxed_body(body)).digest())
        names = b":".join([name for name, _ in named] + [b"from"])
        return b"".join(
            (
                b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=" + self._domain + b";\r\n s=" + self._selector,
                b"; t=%d;\r\n h=" % int(self._now().timestamp()),
                names.replace(b":message-id", b":\r\n message-id").replace(b":list-un", b":\r\n list-un", 1),
                b";\r\n bh=" + digest + b";\r\n b=",
            )
        )


def signer_from_file(path: Path, domain: str, selector: str, now: Callable[[], datetime]) -> DkimSigner:
    """Read a PEM key. Raises ValueError when it is not an RSA key of 1024 bits or more."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < SMALLEST_KEY:
        raise ValueError(f"{path} is not an RSA key of {SMALLEST_KEY} bits or more")
    return DkimSigner(key, domain, selector, now)


def _relaxed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    canonical: list[tuple[bytes, bytes]] = Relaxed.canonicalize_headers(headers)  # type: ignore[no-untyped-call]  # dkimpy has no types
    return canonical


def _relaxed_body(body: bytes) -> bytes:
    canonical: bytes = Relaxed.canonicalize_body(body)  # type: ignore[no-untyped-call]  # dkimpy has no types
    return canonical


def _split(head: bytes) -> list[tuple[bytes, bytes]]:
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            lines[-1] += b"\r\n" + line
        else:
            lines.append(line)
    pairs = (line.partition(b":") for line in lines)
    return [(name, value + b"\r\n") for name, _, value in pairs]


def _wrapped(text: bytes) -> bytes:
    return b"\r\n ".join(text[start : start + 70] for start in range(0, len(text), 70))
