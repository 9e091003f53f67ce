"""What every answer carries and no answer gives away, and requests that a proxy and the server read differently."""

import socket
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget

PATHS: Final = (
    "/", "/console", "/console/login", "/console/static/console.css", "/docs", "/openapi.json", "/healthz", "/v1/jobs",
    "/v1/nothing", "/offers/nothing", "/activate/nothing", "/unsubscribe/nothing", "/images/nothing.png", "/nothing",
)  # fmt: skip
FILES: Final = (
    "/.git/config", "/.env", "/console/static/", "/console/static/..%2f..%2f..%2fpyproject.toml",
    "/console/static/%2e%2e/%2e%2e/app.py", "/console/static//etc/passwd", "/images/..%2f..%2fetc%2fpasswd.png",
    "/docs/..%2f..%2fpyproject.toml", "/server-status", "/backup.zip",
)  # fmt: skip
FOREIGN_PAGE: Final = "https://evil.example"
HEAD: Final = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN: Final = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED: Final = {
    "length and chunks": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + HIDDEN,
    "a signed length": HEAD + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "two encodings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "an unknown encoding": HEAD + b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded header": HEAD + b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "a bare line feed": b"GET / HTTP/1.1\nHost: localhost\n\n" + HIDDEN,
    "a chunk size out of range": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + HIDDEN,
    "a NUL in a header": HEAD + b"X-A: a\x00b\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "no method": b"/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
}
"""Requests whose end may be read in two ways, each with one hidden behind it."""


def answers(target: AttackTarget, attempts: Attempts) -> None:
    """Look for answers that can be sniffed, framed or read by other sites, for files, and for a believed proxy."""
    for path in PATHS:
        answer = target.call(None, f"GET {path}", Origin=FOREIGN_PAGE)
        headers = answer.headers
        attempts.held(f"{path}: nosniff", headers.get("x-content-type-options") == "nosniff", dict(headers))
        policy = headers.get("content-security-policy", "")
        attempts.held(f"{path}: a policy against framing", "frame-ancestors 'none'" in policy, policy)
        attempts.held(f"{path}: scripts of other hosts", "http" not in policy and "unsafe-eval" not in policy, policy)
        attempts.held(f"{path}: read by other sites", "access-control-allow-origin" not in headers, dict(headers))
        attempts.absent(f"{path}: the server's version", headers.get("server", ""), "uvicorn", "/")
    for path in FILES:
        answer = target.http.get(path)
        attempts.held(f"{path}: a file or a listing", answer.status_code in {400, 404, 405}, answer.status_code)
    attempts.absent("/docs loads from elsewhere", target.http.get("/docs").text, "cdn.", "unpkg", 'src="http')
    for name in ("X_Forwarded_For", "Forwarded", "X_Real_IP"):
        answer = target.call(None, "GET /metrics", **{name: "127.0.0.1"})
        attempts.status(f"metrics through a proxy, {name}", answer, 401, 403)
    attempts.refused("TRACE", target.call(None, "TRACE /healthz"))


def smuggled_requests(target: AttackTarget, attempts: Attempts) -> None:
    """Hide a request behind one whose end a proxy may read elsewhere."""
    parts = urlsplit(target.deployment.url)
    assert parts.hostname is not None
    assert parts.port is not None
    for word, sent in SMUGGLED.items():
        received = exchange(parts.hostname, parts.port, sent)
        attempts.held(word, is_refused(received), received[:200])


def exchange(host: str, port: int, sent: bytes) -> bytes:
    """Send bytes and return what comes back until the connection ends, or for two seconds."""
    received = b""
    with socket.create_connection((host, port), timeout=2) as connection, suppress(OSError):
        connection.sendall(sent)
        while more := connection.recv(65_536):
            received += more
    return received


def is_refused(received: bytes) -> bool:
    """Return whether the first request was refused and the one behind it never answered."""
    lines = [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return not lines or (len(lines) == 1 and lines[0].split()[1].startswith(b"4"))
