"""Mails without the engine: what building and sending alone can do. `python -m bench.mail_floor` prints it.

The floor of the mail budget is `plain`: a loop that only builds the same messages with the standard library
and sends them on pooled connections.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from statistics import median

import aiosmtplib

from kontor.adapters.smtp import SmtpTransport
from kontor.mailer.brand import Brand
from kontor.mailer.build import MailBuilder, OutgoingMail
from kontor.mailer.identity import Addressee, sender_for
from kontor.mailer.mime import BuiltMail, assemble
from kontor.mailer.render import Renderer
from kontor.mails.preview import SAMPLE_LINKS, sample_facts

CONNECTIONS = 8
DATED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LANGUAGES = ("en", "de", "fr", "ru", "ja")


@contextmanager
def sink() -> Iterator[int]:
    """Run the receiver as a process of its own; yields its port."""
    command = [sys.executable, "-m", "bench.mail_sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def letters(count: int) -> list[OutgoingMail]:
    """Return that many offers, in all languages, each with a key and an addressee of its own."""
    brand = Brand("Nordlicht Learning", "https://learn.example")
    sender = sender_for(brand.name, None, {"en": "noreply@kontor.example"}, "en", "bounce@kontor.example")
    first = OutgoingMail(
        template="offer-received",
        fact_key="0",
        locale="en",
        timezone="Europe/Berlin",
        brand=brand,
        sender=sender,
        to=Addressee("admin@client.example"),
        facts=sample_facts()["offer-received"],
        links=SAMPLE_LINKS,
    )
    return [
        replace(first, fact_key=str(n), locale=LANGUAGES[n % 5], to=Addressee(f"admin{n}@client.example"))
        for n in range(count)
    ]


def plain_bytes(mail: BuiltMail) -> bytes:
    """Build the same message with the standard library."""
    message = EmailMessage(policy=SMTP_POLICY)
    envelope = mail.envelope
    message["Date"] = envelope.date
    message["From"] = f"{envelope.sender.author.name} <{envelope.sender.author.email}>"
    message["To"] = envelope.to.email
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = envelope.language
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def floor(port: int, mails: list[BuiltMail], build: Callable[[BuiltMail], bytes]) -> float:
    """Build and send on pooled connections and nothing else; mails per second."""

    async def lane(mine: list[BuiltMail]) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="bench")
        await client.connect()
        for mail in mine:
            raw = build(mail)
            await client.mail(mail.envelope.sender.envelope)
            await client.rcpt(mail.envelope.to.email)
            await client.data(raw)
        await client.quit()

    async def lanes() -> None:
        await asyncio.gather(*(lane(mails[n::CONNECTIONS]) for n in range(CONNECTIONS)))

    started = time.perf_counter()
    asyncio.run(lanes())
    return len(mails) / (time.perf_counter() - started)


def whole(port: int, builder: MailBuilder, mails_to_send: list[OutgoingMail]) -> float:
    """Check, render, build and send from worker threads, as the mail task does; mails per second."""
    transport = SmtpTransport(f"smtp://127.0.0.1:{port}", connections=CONNECTIONS)

    def send(letter: OutgoingMail) -> None:
        mail = builder.build(letter, DATED)
        transport.send(mail.envelope.sender.envelope, letter.to.email, mail.raw)

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(send, mails_to_send))
    rate = len(mails_to_send) / (time.perf_counter() - started)
    transport.close()
    return rate


def send_only(port: int, mails: list[BuiltMail], idle: float = 20.0) -> float:
    """Send built mails from worker threads; mails per second. Without `idle` seconds each has its own connection."""
    transport = SmtpTransport(f"smtp://127.0.0.1:{port}", connections=CONNECTIONS, idle=idle)
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda m: transport.send("bounce@kontor.example", m.envelope.to.email, m.raw), mails))
    rate = len(mails) / (time.perf_counter() - started)
    transport.close()
    return rate


def rate(work: Callable[[], object], count: int) -> float:
    """Call `work` that often; calls per second."""
    started = time.perf_counter()
    for _ in range(count):
        work()
    return count / (time.perf_counter() - started)


def rounds(count: int, mails: int) -> dict[str, float]:
    """Measure everything in interleaved rounds; medians, per second."""
    builder = MailBuilder(Renderer())
    mails_to_send = letters(mails)
    built = [builder.build(letter, DATED) for letter in mails_to_send]
    rates: dict[str, list[float]] = {}
    with sink() as port:
        for _ in range(count):
            for name, value in _round(port, builder, mails_to_send, built):
                rates.setdefault(name, []).append(value)
    return {name: round(median(values), 1) for name, values in rates.items()}


def _round(
    port: int, builder: MailBuilder, mails_to_send: list[OutgoingMail], built: list[BuiltMail]
) -> Iterator[tuple[str, float]]:
    some = len(mails_to_send) // 5 or 1
    yield "build+send, standard library", floor(port, built, plain_bytes)
    yield "build+send, our builder", floor(port, built, lambda m: assemble(m.envelope, m.text, m.html))
    yield "check+render+build+send, threads", whole(port, builder, mails_to_send)
    yield "send only, threads", send_only(port, built)
    yield "send only, threads, a connection for each", send_only(port, built, idle=0.0)
    yield "check+render+build", rate(lambda: builder.build(mails_to_send[0], DATED), some)
    yield "build, our builder", rate(lambda: assemble(built[0].envelope, built[0].text, built[0].html), some)
    yield "build, standard library", rate(lambda: plain_bytes(built[0]), some)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.mail_floor", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=500)
    options = parser.parse_args()
    json.dump(rounds(options.rounds, options.mails), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
