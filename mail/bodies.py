"""Bodies in the encoding that suits their letters, always seven-bit on the wire."""

from base64 import encodebytes
from binascii import b2a_qp

LONGEST_LINE = 998


def part(kind: str, text: str, boundary: str) -> bytes:
    """Return one MIME part of type `text/kind` with its headers; `text` has LF line ends."""
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    encoding, coded = _encoded(text, data, boundary)
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + coded


def _encoded(text: str, data: bytes, boundary: str) -> tuple[str, bytes]:
    if text.isascii() and boundary not in text:
        if max(map(len, data.split(b"\r\n"))) <= LONGEST_LINE:
            return "7bit", data
        return "quoted-printable", b2a_qp(data, istext=True)
    if len(data) - len(text) < len(text) // 12:
        return "quoted-printable", b2a_qp(data, istext=True)
    return "base64", encodebytes(data).replace(b"\n", b"\r\n")
