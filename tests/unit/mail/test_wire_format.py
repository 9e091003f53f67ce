"""Built messages, read back by the standard library."""

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kontor.kernel.errors import Invalid
from kontor.mailer.build import message_id
from kontor.mailer.formatting import many_lines, one_line
from kontor.mailer.identity import Addressee, InvalidAddress, SenderIdentity, wire_address
from kontor.mailer.mime import Envelope, assemble, mask_tokens
from kontor.mailer.registry import MAIL_KINDS

DATE = datetime(2026, 11, 22, 3, 15, 9, tzinfo=UTC)
NASTY = st.text() | st.text(alphabet='"\\,;:<>()@=?_ \r\n\täё日\U0001f600\u202e\x00-Bcx') | st.just("=?utf-8?q?x?=")
ONCE = ("From", "Sender", "Reply-To", "To", "Cc", "Subject", "Message-ID", "Date", "MIME-Version", "Content-Type")
FIXED = {*ONCE, "Content-Language", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"}


def envelope(subject: str = "Hello", name: str = "", cc: tuple[Addressee, ...] = ()) -> Envelope:
    author = Addressee("noreply@kontor.example", name)
    sender = SenderIdentity(author, None, None, "bounce@kontor.example", "kontor.example")
    to = Addressee("admin@client.example", name)
    return Envelope("<1@kontor.example>", one_line(subject), sender, to, cc, "en", DATE)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    text = body.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def display_name(raw: bytes, header: str) -> str:
    """Parse a display name with the older interface: before 3.13 the newer one adds spaces between encoded words."""
    name, _ = parseaddr(str(email.message_from_bytes(raw)[header]))
    return str(make_header(decode_header(name)))


def sound(raw: bytes) -> None:
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(b"\r" not in line and b"\n" not in line for line in lines)
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 78 for line in head)
    assert {line.partition(b":")[0].decode() for line in head if line[:1] != b" "} <= FIXED


@given(subject=NASTY, name=NASTY)
@example(subject="a" * 1200, name="b" * 1200)
@example(subject="word " * 60, name="Doe, Jane")
@example(subject="x", name="0)¡¡¡¡¡𐀀𐀀")
@example(subject="x", name="Nordlicht Learning and Training of Hamburg, Inc.")
@example(subject="=?utf-8?b?QmNjOiB4?= x", name='Jörg "J" O\'Neil\\')
@example(subject="x\r\nBcc: all@world.example", name="x\r\nBcc: all@world.example")
def test_any_subject_and_name_are_read_back_as_one_line(subject: str, name: str) -> None:
    raw = assemble(envelope(subject, name), "text\n", "<p>html</p>\n")
    sound(raw)
    assert raw.isascii()
    message = parsed(raw)
    assert message["Subject"] == one_line(subject)
    for header in ("From", "To"):
        assert len(message[header].addresses) == 1
        assert display_name(raw, header) == one_line(name)
    assert message.keys().count("Bcc") == 0
    assert all(message.keys().count(header) <= 1 for header in ONCE)


@given(text=NASTY, html=NASTY)
@example(text="x" * 3000, html="é" + "x" * 3000)
@example(text=".\n..\nFrom me\n", html=" trailing \t\n\n\n")
@example(text="--=_b41bd2a0", html="日本" * 500)
def test_both_bodies_are_read_back_unchanged(text: str, html: str) -> None:
    text, html = many_lines(text) + "\n", many_lines(html) + "\n"
    raw = assemble(envelope(), text, html)
    sound(raw)
    message = parsed(raw)
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == text
    assert part(message, "html") == html
    assert message.defects == []


@given(text=st.text())
def test_sanitized_text_has_no_control_characters_and_is_stable(text: str) -> None:
    line = one_line(text)
    assert line == one_line(line)
    assert not any(sign in line for sign in "\r\n\x00\x0b\x85\u2028\u202e\u2066")
    assert len(line.splitlines()) <= 1
    lines = many_lines(text)
    assert lines == many_lines(lines)
    assert lines.split("\n") == lines.splitlines() or not lines or lines.endswith("\n")


def test_bodies_equal_those_of_the_standard_library(build: Any) -> None:
    mail = build("offer-received", "ru")
    reference = EmailMessage()
    reference.set_content(mail.text)
    reference.add_alternative(mail.html, subtype="html")
    ours, theirs = parsed(mail.raw), parsed(reference.as_bytes())
    assert [part(ours, kind) for kind in ("plain", "html")] == [part(theirs, kind) for kind in ("plain", "html")]


@pytest.mark.parametrize("name", sorted(MAIL_KINDS))
def test_headers_of_the_contract_are_present(build: Any, name: str) -> None:
    mail = build(name, "fr", cc=(Addressee("Boss@reseller.example", "Chef, le"), Addressee("ADMIN@client.example")))
    message = parsed(mail.raw)
    sound(mail.raw)
    assert message.get_content_type() == "multipart/alternative"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["Date"].datetime == datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
    assert message["Cc"] == '"Chef, le" <Boss@reseller.example>'
    assert mail.envelope.recipients == ("admin@client.example", "Boss@reseller.example")
    listed = name in {"trial-reminder", "quota-digest", "licences-ending"}
    assert (message["List-Unsubscribe"] is not None) is listed
    assert (message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click") is listed


def test_message_id_depends_on_fact_and_recipient(build: Any) -> None:
    first = build("offer-received")
    assert first.message_id == build("offer-received", "de", {"message": "other"}).message_id
    assert first.message_id.endswith("@kontor.example>")
    others = [
        build("offer-received", fact_key="fact-2"),
        build("offer-withdrawn"),
        build("offer-received", to=Addressee("else@client.example")),
    ]
    assert len({first.message_id, *(other.message_id for other in others)}) == 4
    assert message_id("a", "bc", "d", "x") != message_id("ab", "c", "d", "x")


def test_international_address_keeps_its_local_part_and_gets_an_ascii_domain(build: Any) -> None:
    mail = build("offer-received", to=Addressee("jörg@bücher.example", "Jörg"))
    assert mail.envelope.recipients == ("jörg@xn--bcher-kva.example",)
    assert not mail.raw.isascii()
    assert "<jörg@xn--bcher-kva.example>".encode() in mail.raw


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "@x.example",
        "a@",
        "a b@x.example",
        "a@x.example\r\nBcc: b@x.example",
        "a@b,c@d.example",
        "<a@x.example>",
    ],
)
def test_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidAddress):
        wire_address(address)


PIECE = st.text(alphabet='ab.@<>"\\, :;()[]\r\n\tä', max_size=5)


@given(local=PIECE, domain=PIECE)
@example(local='"a, b"', domain="x")
@example(local='"a\\"', domain="x")
@example(local='"a" <b@c.example>,"d"', domain="x")
def test_accepted_address_is_the_only_one_in_its_header(local: str, domain: str) -> None:
    try:
        wired = wire_address(f"{local}@b{domain}.example")
    except InvalidAddress:
        return
    message = parsed(assemble(replace(envelope(), to=Addressee(wired)), "x", "x"))
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].domain == wired.rpartition("@")[2]
    assert message.keys() == parsed(assemble(envelope(), "x", "x")).keys()


def test_sharp_s_is_encoded_in_a_domain() -> None:
    assert wire_address("a@straße.example") == "a@xn--strae-oqa.example"


def test_stored_copy_contains_no_usable_token(build: Any) -> None:
    for name in ("offer-received", "activation", "trial-reminder"):
        mail = build(name)
        copy = mask_tokens(mail)
        readable = str(parsed(copy.raw)) + part(parsed(copy.raw), "plain") + part(parsed(copy.raw), "html")
        assert mail.tokens
        assert not any(token in readable for token in mail.tokens)
        assert "/***" in part(parsed(copy.raw), "plain")
        assert copy.message_id == mail.message_id


def test_mail_without_its_link_is_refused_with_the_name(build: Any) -> None:
    with pytest.raises(Invalid, match="requires the links: decision"):
        build("offer-received", links={})


def test_invalid_link_is_refused(build: Any) -> None:
    for link in ("javascript:alert(1)", "https://x.example/a b", "https://x.example/\r\nBcc:x"):
        with pytest.raises(ValueError, match="not a valid link"):
            build("offer-received", links={"decision": link})
