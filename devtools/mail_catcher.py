"""The mail catcher: an SMTP server that stores each mail as a file, for machines without a mail server."""

import asyncio
import signal
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from kontor.adapters.data_directory import MAIL
from kontor.adapters.settings import Settings
from kontor.kernel.ids import new_id

log = structlog.get_logger(__name__)

LARGEST_MAIL = 32 * 1024 * 1024


def mail_folder(settings: Settings) -> Path:
    """The folder of caught mails; names sort by age."""
    return settings.data_dir / MAIL


def store_mail(folder: Path, envelope: Envelope) -> Path:
    """Write a mail atomically, with its envelope in trace headers."""
    recipients = ", ".join(envelope.rcpt_tos)
    trace = (
        f"Return-Path: <{envelope.mail_from}>\r\nX-Envelope-To: {recipients}\r\n"
        f"Received: by kontor-catcher; {formatdate()}\r\n"
    )
    path = folder / f"{new_id()}.eml"
    draft = path.with_suffix(".part")
    content = envelope.original_content or b""
    draft.write_bytes(trace.encode("utf-8", "surrogateescape") + content)
    return draft.rename(path)


class Catcher:
    """Accepts every mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd calls this name
        """Store one mail."""
        path = store_mail(self._folder, envelope)
        log.info("mail.caught", file=path.name, recipients=len(envelope.rcpt_tos))
        return "250 kept"


async def serve(settings: Settings) -> None:
    """Receive until SIGTERM or SIGINT."""
    folder = mail_folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = urlsplit(settings.smtp_url)
    loop, stop_requested = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_requested.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL, loop=loop),
        url.hostname,
        url.port or 25,
    )
    async with server:
        await stop_requested.wait()


def run(settings: Settings) -> None:
    """Run a mail catcher at the SMTP URL of the settings."""
    asyncio.run(serve(settings))
