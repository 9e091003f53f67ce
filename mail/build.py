"""Builds finished messages: checks the facts, renders, adds headers and signs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from domain.errors import FieldError, Invalid
from domain.mailing import MailSigner
from domain.names import same_address
from mail.addresses import Addressee
from mail.brand import Brand
from mail.facts import Facts
from mail.identity import Sender
from mail.kinds import KINDS, MailKind
from mail.masking import token_of
from mail.message import BuiltMail, Envelope, assemble
from mail.message_id import message_id
from mail.render import Renderer, Telling, content_language


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to build. `links` are absolute or start with `/` (then put under the brand's `link_base`).

    `addressee`: name of the account that the mail is addressed to, empty for none.
    """

    template: str
    fact_key: str
    locale: str
    timezone: str
    brand: Brand
    sender: Sender
    to: Addressee
    facts: Mapping[str, object] | Facts
    links: Mapping[str, str] = field(default_factory=dict)
    cc: tuple[Addressee, ...] = ()
    addressee: str = ""


def kind_of(template: str) -> MailKind:
    """Return the kind of a mail. Raises Invalid for an unknown name."""
    try:
        return KINDS[template]
    except KeyError:
        raise Invalid("unknown_mail", f"There is no mail {template!r}.") from None


def checked_facts(template: str, facts: Mapping[str, object] | Facts) -> Facts:
    """Validate the facts of a mail. Raises Invalid that names every missing or invalid fact."""
    schema = kind_of(template).facts
    if isinstance(facts, schema):
        return facts
    try:
        return schema.model_validate(facts)
    except ValidationError as error:
        errors = [FieldError(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
        message = f"The facts of the mail {template!r} are invalid."
        raise Invalid("invalid_facts", message, errors=errors) from error


class MailBuilder:
    """Builds finished messages. Thread-safe."""

    def __init__(self, renderer: Renderer, sign: MailSigner | None = None) -> None:
        self._renderer = renderer
        self._sign = sign

    def build(self, letter: Letter, date: datetime) -> BuiltMail:
        """Build the message, dated `date` (wall time). Raises Invalid for invalid facts or missing links."""
        kind = kind_of(letter.template)
        facts = checked_facts(letter.template, letter.facts)
        missing = sorted(kind.needed_links - letter.links.keys())
        if missing:
            message = f"The mail {letter.template!r} requires the links: {', '.join(missing)}."
            raise Invalid("missing_links", message)
        rendered = self._renderer.render(
            Telling(kind, letter.brand, letter.locale, letter.timezone, facts, letter.links, letter.addressee)
        )
        envelope = _envelope(letter, kind, rendered.subject, date)
        raw = assemble(envelope, rendered.text, rendered.html)
        signed = self._sign(raw) if self._sign else raw
        tokens = tuple(token_of(letter.links[name]) for name in sorted(kind.token_links))
        return BuiltMail(letter.template, envelope, rendered.text, rendered.html, signed, tokens)


def _envelope(letter: Letter, kind: MailKind, subject: str, date: datetime) -> Envelope:
    to, sender = letter.to, letter.sender
    unsubscribe = letter.links.get("unsubscribe") if kind.listed else None
    return Envelope(
        message_id=message_id(letter.template, letter.fact_key, to.email, sender.domain),
        subject=subject,
        sender=sender,
        to=to,
        cc=tuple(person for person in letter.cc if not same_address(person.email, to.email)),
        language=content_language(letter.locale),
        date=date,
        unsubscribe=letter.brand.link(unsubscribe) if unsubscribe else None,
    )
