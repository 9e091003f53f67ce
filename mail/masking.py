"""The message as the log keeps it: the same, but no link in it opens anything."""

from dataclasses import replace

from mail.message import BuiltMail, assemble

MASK = "***"


def masked(mail: BuiltMail) -> BuiltMail:
    """Return the mail with the tokens of its links masked, unsigned."""
    envelope, text, html = mail.envelope, mail.text, mail.html
    unsubscribe = envelope.unsubscribe
    for token in mail.tokens:
        text, html = text.replace(token, MASK), html.replace(token, MASK)
        unsubscribe = unsubscribe and unsubscribe.replace(token, MASK)
    envelope = replace(envelope, unsubscribe=unsubscribe)
    raw = assemble(envelope, text, html)
    return BuiltMail(mail.template, envelope, text, html, raw)


def token_of(link: str) -> str:
    """Return the last segment of a link's path: where our links carry their token."""
    return link.partition("?")[0].rpartition("/")[2]
