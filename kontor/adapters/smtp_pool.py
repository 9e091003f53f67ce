"""Connections to one SMTP server, kept open between mails; bound to one event loop."""

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from kontor.kernel.ports import MailDeferred, MailRefused, ascii_domain

SCHEMES = {"smtp": 25, "smtps": 465}
SUBMISSION = 587


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Host, port, credentials and encryption."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def smtp_address(url: str) -> SmtpAddress:
    """Parse `smtp://`, `smtps://` with `user:password@host:port` and `?starttls=1`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("SMTP_URL must look like smtp://user:password@host:port?starttls=1")
    options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    unknown = sorted(options.keys() - {"starttls"})
    if unknown:
        raise ValueError(f"SMTP_URL has an unknown option: {', '.join(unknown)}")
    starttls = options.get("starttls", ["0"])[-1] in ("1", "true")
    if starttls and parts.scheme == "smtps":
        raise ValueError("SMTP_URL: smtps is encrypted from the start, leave out starttls")
    return SmtpAddress(
        host=parts.hostname,
        port=parts.port or (SUBMISSION if starttls else SCHEMES[parts.scheme]),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=starttls,
    )


SERVICE_CLOSING = 421
PERMANENT = 500
CONFIGURATION_CODES = frozenset({530, 534, 535, 538})
QUIT_SECONDS = 1.0
UTF8_OPTIONS = ("SMTPUTF8", "BODY=8BITMIME")


class AbortingSmtp(SMTP):
    """Aborts the transport on close, so a closing TLS session (after a refused login) cannot outlive the loop."""

    def close(self) -> None:
        """Close the connection without waiting for the server's TLS shutdown."""
        transport = cast("asyncio.WriteTransport | None", self.transport)
        super().close()
        if transport is not None:
            transport.abort()


class SmtpPool:
    """At most `size` connections; one idle for `idle` seconds is discarded."""

    def __init__(
        self,
        address: SmtpAddress,
        *,
        size: int,
        timeout: float,
        idle: float,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._idle = idle
        self._tls_context = tls_context
        self._free: list[tuple[float, SMTP]] = []
        self._slots = asyncio.Semaphore(size)

    async def deliver(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Send one message to one recipient. Raises MailRefused or MailDeferred."""
        async with self._slots:
            try:
                recipient = _ascii_domain_address(recipient)
                client = await self._open_envelope(envelope_from, recipient, not raw.isascii())
                await self._converse(client, client.data(raw))
            except (SMTPException, OSError) as error:
                raise classify_error(error, self._address) from error
            except ValueError as error:
                raise MailRefused(str(error), at_rcpt=True) from error
            self._free.append((_now(), client))

    async def check(self) -> None:
        """Connect, send EHLO and log in. Raises MailDeferred."""
        try:
            await _quit(await self._connect())
        except (SMTPException, OSError) as error:
            raise MailDeferred(str(classify_error(error, self._address))) from error

    async def close(self) -> None:
        """Send QUIT on every idle connection."""
        while self._free:
            await _quit(self._free.pop()[1])

    async def _open_envelope(self, envelope_from: str, recipient: str, utf8: bool) -> SMTP:
        """Return a connection that accepted the envelope; replace a dropped idle one once."""
        client = self._idle_client()
        if client is not None:
            try:
                await self._converse(client, _envelope(client, envelope_from, recipient, utf8))
            except SMTPException as error:
                if not _is_dropped(error):
                    raise
            else:
                return client
        client = await self._connect()
        await self._converse(client, _envelope(client, envelope_from, recipient, utf8))
        return client

    async def _converse(self, client: SMTP, conversation: Coroutine[object, object, object]) -> None:
        """Run one part of the conversation; afterwards the connection is clean or closed."""
        clean = False
        try:
            await conversation
            clean = True
        except SMTPResponseException as error:
            clean = not _is_dropped(error) and await self._reset(client)
            raise
        finally:
            if not clean:
                client.close()

    async def _reset(self, client: SMTP) -> bool:
        """Reset after a refused envelope and keep the connection; return whether that worked."""
        try:
            await client.rset()
        except SMTPException:
            return False
        self._free.append((_now(), client))
        return True

    def _idle_client(self) -> SMTP | None:
        """Return the most recently used connection that is open and not too old."""
        while self._free:
            since, client = self._free.pop()
            if client.is_connected and _now() - since < self._idle:
                return client
            client.close()
        return None

    async def _connect(self) -> SMTP:
        address = self._address
        client = AbortingSmtp(
            hostname=address.host,
            port=address.port,
            username=address.username,
            password=address.password,
            local_hostname=socket.gethostname() or "localhost",
            timeout=self._timeout,
            use_tls=address.tls,
            start_tls=address.starttls,
            tls_context=self._tls_context,
        )
        await client.connect()
        return client


async def _quit(client: SMTP) -> None:
    """Send QUIT and close."""
    try:
        await asyncio.wait_for(client.quit(), QUIT_SECONDS)
    except (SMTPException, OSError):
        client.close()
    await asyncio.sleep(0)


def _ascii_domain_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


async def _envelope(client: SMTP, envelope_from: str, recipient: str, utf8: bool) -> None:
    if not (utf8 or not recipient.isascii() or not envelope_from.isascii()):
        await client.mail(envelope_from)
        await client.rcpt(recipient)
        return
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    if not client.supports_extension("smtputf8"):
        text = "the mail server cannot carry addresses outside ASCII (no SMTPUTF8)"
        raise MailRefused(text, at_rcpt=not recipient.isascii())
    await client.mail(envelope_from, options=UTF8_OPTIONS, encoding="utf-8")
    await client.rcpt(recipient, encoding="utf-8")


def classify_error(error: SMTPException | OSError, address: SmtpAddress) -> MailRefused | MailDeferred:
    """Classify an error. A 5xx about the sender (greeting, login, MAIL FROM) needs an operator: it is deferred."""
    if not isinstance(error, SMTPResponseException):
        return MailDeferred(f"no answer from mail server {address}: {error}")
    text = f"mail server {address} said {error.code} {' '.join(error.message.split())}"
    about_mail = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    if error.code < PERMANENT or error.code in CONFIGURATION_CODES or not about_mail:
        return MailDeferred(text, smtp_code=error.code)
    return MailRefused(text, smtp_code=error.code, at_rcpt=isinstance(error, SMTPRecipientRefused))


def _is_dropped(error: SMTPException) -> bool:
    if isinstance(error, SMTPResponseException):
        return error.code == SERVICE_CLOSING
    return isinstance(error, SMTPServerDisconnected | SMTPTimeoutError)


def _now() -> float:
    return asyncio.get_running_loop().time()
