"""Mail log: messages, recipients, suppressed addresses and opt-outs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, JsonObject, enum_check


class MailState(StrEnum):
    """State of a mail. skipped: obsolete when due. suppressed: all recipients are suppressed.

    held_limit: waits for the reseller's allowance of mails to strangers. folded: listed in a digest instead.
    """

    QUEUED = "queued"
    HELD_LIMIT = "held_limit"
    FOLDED = "folded"
    SENT = "sent"
    SKIPPED = "skipped"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class RecipientRole(StrEnum):
    """Header that contains the address."""

    TO = "to"
    CC = "cc"


class RecipientState(StrEnum):
    """State of a recipient. failed: permanently refused now. suppressed: not tried because refused earlier.

    folded: had enough mails that day; the mail is listed in a digest.
    """

    QUEUED = "queued"
    FOLDED = "folded"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Mail(Base):
    """One message. `raw`: the message as sent, with the tokens in its links masked; it leaves after 90 days.

    `identity`: hash of template, fact and addressee; a duplicate is not sent. `refs`: ids for the
    links and for checking whether the mail is obsolete; not shown.
    `repeats`: the original mail when an operator resent it as this one.
    """

    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    template: Mapped[str]
    programme: Mapped[str | None]
    account_id: Mapped[UUID | None]
    reseller_id: Mapped[UUID | None]
    locale: Mapped[str]
    facts: Mapped[JsonObject]
    refs: Mapped[JsonObject] = mapped_column(server_default=text("'{}'::jsonb"))
    fact_key: Mapped[str]
    identity: Mapped[str]
    repeats: Mapped[UUID | None]
    message_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=MailState.QUEUED)
    reason: Mapped[str | None]
    subject: Mapped[str | None]
    sender: Mapped[str | None]
    from_address: Mapped[str | None]
    reply_to: Mapped[str | None]
    raw: Mapped[str | None]
    job_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("state", MailState),
        Index("uq_mails_identity", "identity", unique=True),
        Index("ix_mails_account_id", "account_id", "id"),
        Index("ix_mails_reseller_id", "reseller_id", "id"),
        Index("ix_mails_template", "template", "id"),
        Index("ix_mails_state", "state", "id", postgresql_where=text("state <> 'sent'")),
        Index("ix_mails_held", "reseller_id", "id", postgresql_where=text("state = 'held_limit'")),
        Index("ix_mails_bodies", "created_at", postgresql_where=text("raw IS NOT NULL")),
        Index("ix_mails_repeats", "repeats", "id", postgresql_where=text("repeats IS NOT NULL")),
    )


class MailRecipient(Base):
    """One SMTP transaction of a mail. `address` as written, `address_key` case-folded.

    `posted_at`: when the mail was posted, business time; `folded_in`: the digest that lists it.
    """

    __tablename__ = "mail_recipients"

    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    address_key: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    role: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=RecipientState.QUEUED)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]
    folded_in: Mapped[UUID | None]

    __table_args__ = (
        enum_check("role", RecipientRole),
        enum_check("state", RecipientState),
        Index(
            "ix_mail_recipients_address_key", "address_key", "posted_at", postgresql_where=text("posted_at IS NOT NULL")
        ),
        Index(
            "ix_mail_recipients_folded",
            "address_key",
            postgresql_where=text("state = 'folded' AND folded_in IS NULL"),
        ),
    )


class Suppression(Base):
    """An address that was permanently refused at RCPT; nothing is sent to it before `until`."""

    __tablename__ = "suppressions"

    address_key: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    reason: Mapped[str]


class MailOptOut(Base):
    """An address that has unsubscribed from one kind of reminder or digest."""

    __tablename__ = "mail_opt_outs"

    address_key: Mapped[str] = mapped_column(primary_key=True)
    template: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
