"""Encodes bodies for transfer: the smallest of the seven-bit encodings."""

from base64 import encodebytes
from binascii import b2a_qp

MAX_LINE_LENGTH = 998


def part(kind: str, text: str, boundary: str) -> bytes:
    """Return one MIME part of type `text/kind` with its headers; `text` has LF line ends."""
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    encoding, encoded = _encode(text, data, boundary)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + encoded


def _encode(text: str, data: bytes, boundary: str) -> tuple[str, bytes]:
    if text.isascii() and boundary not in text:
        if max(map(len, data.split(b"\r\n"))) <= MAX_LINE_LENGTH:
            return "7bit", data
        return "quoted-printable", b2a_qp(data, istext=True)
    if len(data) - len(text) < len(text) // 12:
        return "quoted-printable", b2a_qp(data, istext=True)
    return "base64", encodebytes(data).replace(b"\n", b"\r\n")
