"""Build a mail from its facts: check, render, name, address, sign."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from pydantic import ValidationError

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ports import MailSigner
from kontor.kernel.validation import same_address
from kontor.mailer.brand import Brand
from kontor.mailer.identity import Addressee, SenderIdentity
from kontor.mailer.kinds import MailFacts, MailKind
from kontor.mailer.mime import BuiltMail, Envelope, assemble, token_in_link
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import FOLDED_LINK, Renderer, RenderInput, content_language


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail to build. `links` are absolute or start with `/` (then put under the brand's `link_base`).

    `addressee`: name of the account that the mail is addressed to, empty for none.
    """

    template: str
    fact_key: str
    locale: str
    timezone: str
    brand: Brand
    sender: SenderIdentity
    to: Addressee
    facts: Mapping[str, object] | MailFacts
    links: Mapping[str, str] = field(default_factory=dict)
    cc: tuple[Addressee, ...] = ()
    addressee: str = ""


def kind_of(template: str) -> MailKind:
    """Return the kind of a mail. Raises Invalid for an unknown name."""
    try:
        return MAIL_KINDS[template]
    except KeyError:
        raise Invalid("unknown_mail", f"There is no mail {template!r}.") from None


def validate_facts(template: str, facts: Mapping[str, object] | MailFacts) -> MailFacts:
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

    def build(self, letter: OutgoingMail, date: datetime) -> BuiltMail:
        """Build the message, dated `date` (wall time). Raises Invalid for invalid facts or missing links."""
        kind = kind_of(letter.template)
        facts = validate_facts(letter.template, letter.facts)
        missing = sorted(kind.required_links - letter.links.keys())
        if missing:
            message = f"The mail {letter.template!r} requires the links: {', '.join(missing)}."
            raise Invalid("missing_links", message)
        rendered = self._renderer.render(
            RenderInput(kind, letter.brand, letter.locale, letter.timezone, facts, letter.links, letter.addressee)
        )
        envelope = _envelope(letter, kind, rendered.subject, date)
        raw = assemble(envelope, rendered.text, rendered.html)
        signed = self._sign(raw) if self._sign else raw
        names = sorted({*kind.token_links, *(name for name in letter.links if name.startswith(FOLDED_LINK))})
        tokens = tuple(token_in_link(letter.links[name]) for name in names)
        return BuiltMail(letter.template, envelope, rendered.text, rendered.html, signed, tokens)

    def subject(self, template: str, locale: str, timezone: str, facts: Mapping[str, object]) -> str:
        """Return the subject that a mail has. Raises Invalid for invalid facts."""
        kind = kind_of(template)
        brand = Brand(name="", link_base="")
        return self._renderer.subject(
            RenderInput(kind, brand, locale, timezone, validate_facts(template, facts), {}, "")
        )


def _envelope(letter: OutgoingMail, kind: MailKind, subject: str, date: datetime) -> Envelope:
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


def message_id(template: str, fact_key: str, addressee: str, domain: str) -> str:
    """Return `<digest@domain>`; the digest depends on template, fact and addressee alone."""
    identity = "\x00".join((template, fact_key, addressee.strip().lower()))
    return f"<{sha256(identity.encode('utf-8', 'replace')).hexdigest()[:40]}@{domain}>"
