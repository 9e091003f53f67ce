"""The transport against a real SMTP server on a socket."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.smtp import SmtpTransport
from domain.mailing import MailDeferred, MailRefused
from tests.integration.mail.receiving import Receiver, Server

RAW = b"From: a@kontor.example\r\nTo: b@client.example\r\nSubject: x\r\n\r\n.dot\r\nend\r\n"


@pytest.fixture
def transport(controller: Server) -> Iterator[SmtpTransport]:
    opened = SmtpTransport(f"smtp://127.0.0.1:{controller.port}", connections=4, timeout=5)
    yield opened
    opened.close()


def test_a_message_arrives_byte_for_byte_with_its_envelope(transport: SmtpTransport, receiver: Receiver) -> None:
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


def test_an_address_refused_with_5xx_is_refused_for_good_and_says_where(
    transport: SmtpTransport, receiver: Receiver
) -> None:
    receiver.at_rcpt["gone@client.example"] = "550 no such user"
    with pytest.raises(MailRefused, match="550 no such user") as refused:
        transport.send("x@kontor.example", "gone@client.example", RAW)
    assert (refused.value.smtp_code, refused.value.at_rcpt) == (550, True)


def test_an_address_refused_with_4xx_is_put_off(transport: SmtpTransport, receiver: Receiver) -> None:
    receiver.at_rcpt["later@client.example"] = "450 greylisted"
    with pytest.raises(MailDeferred) as deferred:
        transport.send("x@kontor.example", "later@client.example", RAW)
    assert deferred.value.smtp_code == 450


@pytest.mark.parametrize("where", ["mail", "rcpt"])
def test_a_5xx_that_is_about_us_costs_nobody_their_mail(
    transport: SmtpTransport, receiver: Receiver, where: str
) -> None:
    if where == "mail":
        receiver.at_mail.append("550 sender unknown")
    else:
        receiver.at_rcpt["b@client.example"] = "530 authenticate first"
    with pytest.raises(MailDeferred):
        transport.send("x@kontor.example", "b@client.example", RAW)


def test_the_next_message_goes_through_after_a_refusal(transport: SmtpTransport, receiver: Receiver) -> None:
    receiver.at_rcpt["gone@client.example"] = "550 no such user"
    with pytest.raises(MailRefused):
        transport.send("x@kontor.example", "gone@client.example", RAW)
    transport.send("x@kontor.example", "b@client.example", RAW)
    assert [to for _, to, _ in receiver.got] == [["b@client.example"]]
    assert len(receiver.sessions) == 1


@pytest.mark.parametrize(("answer", "error"), [("554 spam", MailRefused), ("451 later", MailDeferred)])
def test_an_answer_to_the_content_is_no_verdict_on_the_address(
    transport: SmtpTransport, receiver: Receiver, answer: str, error: type[Exception]
) -> None:
    receiver.at_data.append(answer)
    with pytest.raises(error) as raised:
        transport.send("x@kontor.example", "b@client.example", RAW)
    assert not getattr(raised.value, "at_rcpt", False)
    transport.send("x@kontor.example", "b@client.example", RAW)
    assert len(receiver.got) == 1


def test_no_server_is_a_reason_to_wait() -> None:
    transport = SmtpTransport("smtp://127.0.0.1:1", timeout=2)
    with pytest.raises(MailDeferred, match=r"127\.0\.0\.1:1"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()


def test_a_restarted_server_is_noticed_without_losing_or_doubling_a_message(receiver: Receiver) -> None:
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


def test_an_address_outside_ascii_goes_to_a_server_that_can_take_it(
    transport: SmtpTransport, receiver: Receiver
) -> None:
    raw = "To: jörg@client.example\r\n\r\nx\r\n".encode()
    transport.send("x@kontor.example", "jörg@client.example", raw)
    assert receiver.got == [("x@kontor.example", ["jörg@client.example"], raw)]


def test_an_idle_connection_that_the_server_closes_is_replaced_before_anything_is_lost(
    transport: SmtpTransport, receiver: Receiver
) -> None:
    transport.send("x@kontor.example", "one@client.example", RAW)
    receiver.at_mail.append("421 idle too long")
    transport.send("x@kontor.example", "two@client.example", RAW)
    assert [to for _, to, _ in receiver.got] == [["one@client.example"], ["two@client.example"]]
    assert len(receiver.sessions) == 2


def test_content_that_was_handed_over_without_an_answer_is_not_sent_again_by_itself(
    transport: SmtpTransport, receiver: Receiver
) -> None:
    transport.send("x@kontor.example", "one@client.example", RAW)
    receiver.hang_up_after = 2
    with pytest.raises(MailDeferred):
        transport.send("x@kontor.example", "two@client.example", RAW)
    assert len(receiver.got) == 2


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = SmtpTransport(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        with pytest.raises(MailDeferred):
            transport.send("x@kontor.example", "b@client.example", RAW)
        transport.close()


def test_a_domain_in_another_script_needs_no_special_server(transport: SmtpTransport, receiver: Receiver) -> None:
    transport.send("x@kontor.example", "a@Bücher.example", RAW)
    assert receiver.got == [("x@kontor.example", ["a@xn--bcher-kva.example"], RAW)]


def test_what_is_no_address_is_refused_for_good(transport: SmtpTransport, receiver: Receiver) -> None:
    for address in ("x", "a b@client.example", "a@client.example>\r\nDATA", "a@b c"):
        with pytest.raises(MailRefused) as refused:
            transport.send("x@kontor.example", address, RAW)
        assert refused.value.at_rcpt
    assert receiver.got == []


def test_an_address_outside_ascii_is_refused_for_good_by_a_server_that_cannot(receiver: Receiver) -> None:
    old = Server(receiver, hostname="127.0.0.1", port=0, enable_SMTPUTF8=False)
    old.start()
    transport = SmtpTransport(f"smtp://127.0.0.1:{old.port}", timeout=5)
    with pytest.raises(MailRefused, match="SMTPUTF8") as refused:
        transport.send("x@kontor.example", "jörg@client.example", RAW)
    assert refused.value.at_rcpt
    transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    old.stop()


def test_starttls_that_the_server_does_not_offer_is_never_skipped(controller: Server, receiver: Receiver) -> None:
    transport = SmtpTransport(f"smtp://127.0.0.1:{controller.port}?starttls=1", timeout=5)
    with pytest.raises(MailDeferred, match="STARTTLS"):
        transport.send("x@kontor.example", "b@client.example", RAW)
    transport.close()
    assert receiver.got == []


def test_a_closed_transport_says_so(transport: SmtpTransport) -> None:
    transport.close()
    with pytest.raises(MailDeferred, match="closed"):
        transport.send("x@kontor.example", "b@client.example", RAW)
