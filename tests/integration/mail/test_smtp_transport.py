"""The transport against a real SMTP server on a socket."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kontor.adapters.smtp import SmtpTransport
from kontor.kernel.ports import MailDeferred, MailRefused
from tests.integration.mail.smtp_receiver import Receiver, Server

RAW = b"From: a@kontor.example\r\nTo: b@client.example\r\nSubject: x\r\n\r\n.dot\r\nend\r\n"


@pytest.fixture
def transport(controller: Server) -> Iterator[SmtpTransport]:
    opened = SmtpTransport(f"smtp://127.0.0.1:{controller.port}", connections=4, timeout=5)
    yield opened
    opened.close()


def test_message_arrives_unchanged_with_its_envelope(transport: SmtpTransport, receiver: Receiver) -> None:
    transport.send("bounce@kontor.example", "b@client.example", RAW)
    assert receiver.got == [("bounce@kontor.example", ["b@client.example"], RAW)]


def test_one_connection_carries_many_messages(transport: SmtpTransport, receiver: Receiver) -> None:
    for _ in range(5):
        transport.send("bounce@kontor.example", "b@client.example", RAW)
    assert len(receiver.got) == 5
    assert len(receiver.sessions) == 1


def test_sixteen_threads_share_the_pool(transport: SmtpTransport, receiver: Receiver) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda n: transport.send("x@kontor.example", f"c{n}@client.example", RAW), range(64)))
    assert sorted(to[0] for _, to, _ in receiver.got) == sorted(f"c{n}@client.example" for n in range(64))
    assert len(receiver.sessions) <= 4


def test_address_refused_with_5xx_is_refused_permanently_at_rcpt(transport: SmtpTransport, receiver: Receiver) -> None:
    receiver.at_rcpt["gone@client.example"] = "550 no such user"
    with pytest.raises(MailRefused, match="550 no such user") as refused:
        transport.send("x@kontor.example", "gone@client.example", RAW)
    assert (refused.value.smtp_code, refused.value.at_rcpt) == (550, True)


def test_address_refused_with_4xx_is_deferred(transport: SmtpTransport, receiver: Receiver) -> None:
    receiver.at_rcpt["later@client.example"] = "450 greylisted"
    with pytest.raises(MailDeferred) as deferred:
        transport.send("x@kontor.example", "later@client.example", RAW)
    assert deferred.value.smtp_code == 450


@pytest.mark.parametrize("where", ["mail", "rcpt"])
def test_5xx_about_the_sender_defers_the_mail(transport: SmtpTransport, receiver: Receiver, where: str) -> None:
    if where == "mail":
        receiver.at_mail.append("550 sender unknown")
    else:
        receiver.at_rcpt["b@client.example"] = "530 authenticate first"
    with pytest.raises(MailDeferred):
        transport.send("x@kontor.example", "b@client.example", RAW)


def test_next_message_is_sent_after_a_refusal(transport: SmtpTransport, receiver: Receiver) -> None:
    receiver.at_rcpt["gone@client.example"] = "550 no such user"
    with pytest.raises(MailRefused):
        transport.send("x@kontor.example", "gone@client.example", RAW)
    transport.send("x@kontor.example", "b@client.example", RAW)
    assert [to for _, to, _ in receiver.got] == [["b@client.example"]]
    assert len(receiver.sessions) == 1


@pytest.mark.parametrize(("answer", "error"), [("554 spam", MailRefused), ("451 later", MailDeferred)])
def test_response_to_the_content_does_not_count_against_the_address(
    transport: SmtpTransport, receiver: Receiver, answer: str, error: type[Exception]
) -> None:
    receiver.at_data.append(answer)
    with pytest.raises(error) as raised:
        transport.send("x@kontor.example", "b@client.example", RAW)
    assert not getattr(raised.value, "at_rcpt", False)
    transport.send("x@kontor.example", "b@client.example", RAW)
    assert len(receiver.got) == 1


def test_unreachable_server_defers_the_mail() -> None:
    transport = SmtpTransport("smtp://127.0.0.1:1", timeout=2)
    with pytest.raises(MailDeferred, match=r"127\.0\.0\.1:1"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()


def test_server_restart_neither_loses_nor_doubles_a_message(receiver: Receiver) -> None:
    first = Server(receiver, hostname="127.0.0.1", port=0)
    first.start()
    port = first.port
    transport = SmtpTransport(f"smtp://127.0.0.1:{port}", timeout=5)
    transport.send("x@kontor.example", "one@client.example", RAW)
    first.stop()
    second = Server(receiver, hostname="127.0.0.1", port=port)
    second.start()
    transport.send("x@kontor.example", "two@client.example", RAW)
    transport.close()
    second.stop()
    assert [to for _, to, _ in receiver.got] == [["one@client.example"], ["two@client.example"]]


def test_non_ascii_address_is_sent_to_a_server_with_smtputf8(transport: SmtpTransport, receiver: Receiver) -> None:
    raw = "To: jörg@client.example\r\n\r\nx\r\n".encode()
    transport.send("x@kontor.example", "jörg@client.example", raw)
    assert receiver.got == [("x@kontor.example", ["jörg@client.example"], raw)]


def test_idle_connection_closed_by_the_server_is_replaced(transport: SmtpTransport, receiver: Receiver) -> None:
    transport.send("x@kontor.example", "one@client.example", RAW)
    receiver.at_mail.append("421 idle too long")
    transport.send("x@kontor.example", "two@client.example", RAW)
    assert [to for _, to, _ in receiver.got] == [["one@client.example"], ["two@client.example"]]
    assert len(receiver.sessions) == 2


def test_message_without_a_response_is_not_sent_again_automatically(
    transport: SmtpTransport, receiver: Receiver
) -> None:
    transport.send("x@kontor.example", "one@client.example", RAW)
    receiver.hang_up_after = 2
    with pytest.raises(MailDeferred):
        transport.send("x@kontor.example", "two@client.example", RAW)
    assert len(receiver.got) == 2


def test_silent_server_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = SmtpTransport(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        with pytest.raises(MailDeferred):
            transport.send("x@kontor.example", "b@client.example", RAW)
        transport.close()


def test_international_domain_needs_no_smtputf8(transport: SmtpTransport, receiver: Receiver) -> None:
    transport.send("x@kontor.example", "a@Bücher.example", RAW)
    assert receiver.got == [("x@kontor.example", ["a@xn--bcher-kva.example"], RAW)]


def test_invalid_address_is_refused_permanently(transport: SmtpTransport, receiver: Receiver) -> None:
    for address in ("x", "a b@client.example", "a@client.example>\r\nDATA", "a@b c"):
        with pytest.raises(MailRefused) as refused:
            transport.send("x@kontor.example", address, RAW)
        assert refused.value.at_rcpt
    assert receiver.got == []


def test_non_ascii_address_is_refused_permanently_without_smtputf8(receiver: Receiver) -> None:
    old = Server(receiver, hostname="127.0.0.1", port=0, enable_SMTPUTF8=False)
    old.start()
    transport = SmtpTransport(f"smtp://127.0.0.1:{old.port}", timeout=5)
    with pytest.raises(MailRefused, match="SMTPUTF8") as refused:
        transport.send("x@kontor.example", "jörg@client.example", RAW)
    assert refused.value.at_rcpt
    transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    old.stop()


def test_missing_starttls_is_never_ignored(controller: Server, receiver: Receiver) -> None:
    transport = SmtpTransport(f"smtp://127.0.0.1:{controller.port}?starttls=1", timeout=5)
    with pytest.raises(MailDeferred, match="STARTTLS"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    assert receiver.got == []


def test_closed_transport_raises(transport: SmtpTransport) -> None:
    transport.close()
    with pytest.raises(MailDeferred, match="closed"):
        transport.send("x@kontor.example", "b@client.example", RAW)
