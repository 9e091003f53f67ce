"""Raw connections to a server: headers without end, bodies that stall."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def connected(url: str, sent: bytes = b"", timeout: float = 10) -> Iterator[socket.socket]:
    """Open a connection and send the first bytes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=timeout) as connection:
        connection.sendall(sent)
        yield connection


def answer(connection: socket.socket) -> bytes:
    """Read until the server closes the connection; empty if it does so without an answer."""
    received = bytearray()
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


def exchange(url: str, sent: bytes) -> bytes:
    """Send bytes and read until the server closes the connection."""
    with connected(url, sent) as connection:
        return answer(connection)


def head_of(received: bytes) -> tuple[int, dict[str, str]]:
    """Parse status and headers of an answer."""
    first, *lines = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = (line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in headers}
