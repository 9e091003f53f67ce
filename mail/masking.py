"""Masks the tokens of a message for the mail log."""

from dataclasses import replace

from mail.message import BuiltMail, assemble

MASK = "***"


def masked(mail: BuiltMail) -> BuiltMail:
    """Return the mail unsigned, with the tokens of its links masked."""
    envelope, text, html = mail.envelope, mail.text, mail.html
    unsubscribe = envelope.unsubscribe
    for token in mail.tokens:
        text, html = text.replace(token, MASK), html.replace(token, MASK)
        unsubscribe = unsubscribe and unsubscribe.replace(token, MASK)
    envelope = replace(envelope, unsubscribe=unsubscribe)
    raw = assemble(envelope, text, html)
    return BuiltMail(mail.template, envelope, text, html, raw)


def token_of(link: str) -> str:
    """Return the token of a link: the last segment of its path."""
    return link.partition("?")[0].rpartition("/")[2]
