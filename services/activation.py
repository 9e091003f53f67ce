"""Activation: the admin of a new client proves the address by a link, once, within 72 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.credentials import checked_password
from domain.errors import Conflict, Gone, NotFound
from domain.ids import new_id
from models.accounts import Account
from models.mails import Mail
from services import events, mails
from services.account_book import AccountBook, held
from services.mails import Links, MailRule, Renewed
from services.programmes import Programmes
from services.tokens import Tokens
from store import accounts as rows

TEMPLATE: Final = "activation"
PURPOSE: Final = "activation"
LIFE: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an activation link leads to."""

    account: Account
    expires_at: datetime

    @property
    def done(self) -> bool:
        """Whether the account is active already."""
        return self.account.activated_at is not None


def post_link(book: AccountBook, session: Session, account: Account) -> UUID | None:
    """Mail a link to the account's admin; earlier ones live on until one is used."""
    expires_at = book.now + LIFE
    return mails.post(
        session,
        book.jobs,
        template=TEMPLATE,
        account=account,
        facts={"account": account.name, "expires_at": expires_at},
        fact_key=new_id().hex,
        refs={"version": account.email_version, "expires_at": expires_at.isoformat()},
    )


def send_again(book: AccountBook, session: Session, account_id: UUID) -> Account:
    """Mail another link. Raises NotFound, Conflict(`already_activated`, `account_deleted`)."""
    account = held(session, account_id)
    if account.activated_at is not None:
        raise Conflict("already_activated", "The account is active already.", state="active")
    post_link(book, session, account)
    return account


def show(book: AccountBook, session: Session, tokens: Tokens, token: str) -> Invitation:
    """What the link leads to; changes nothing. Raises NotFound (forged), Gone."""
    return _read(book, session, tokens, token, lock=False)


def activate(
    book: AccountBook, session: Session, tokens: Tokens, token: str, password: str | None = None
) -> Invitation:
    """Use the link. Raises NotFound (forged), Gone, Conflict(`already_activated`), Invalid."""
    found = _read(book, session, tokens, token, lock=True)
    account = found.account
    if found.done:
        raise Conflict("already_activated", "The account is active already.", state="active")
    if password is not None:
        account.password_hash = book.passwords.hash(checked_password(password))
    account.activated_at = book.now
    session.flush()
    told = {"account_id": str(account.id)}
    events.emit(session, book.jobs, "account.activated", account, told, at=book.now)
    return found


def _read(book: AccountBook, session: Session, tokens: Tokens, token: str, *, lock: bool) -> Invitation:
    """An expired link of an active account still says so."""
    carried = tokens.read_expired(PURPOSE, token)
    account = rows.by_id(session, UUID(carried["account"]), lock=lock)
    if account is None:
        raise NotFound("unknown_token", "This link is not one of ours.")
    if account.deleted_at is not None:
        raise Gone("account_deleted", "The account was deleted.")
    if carried["version"] != account.email_version:
        raise Gone("address_changed", "The account has another address now.")
    if account.activated_at is None and book.now >= carried["exp"]:
        raise Gone("expired", "This link has expired; ask for a new one.")
    return Invitation(account, carried["exp"])


def make_token(tokens: Tokens, account_id: UUID, version: int, expires_at: datetime) -> str:
    """The capability that stands in the link."""
    carried = {"account": account_id.hex, "version": version}
    return tokens.make(PURPOSE, carried, expires_at)


def _links(_session: Session, tokens: Tokens, mail: Mail) -> Links:
    if mail.account_id is None:
        raise NotFound
    refs: dict[str, Any] = mail.refs
    expires_at = datetime.fromisoformat(refs["expires_at"])
    token = make_token(tokens, mail.account_id, refs["version"], expires_at)
    return {"activation": f"/activate/{token}"}


def _obsolete(session: Session, mail: Mail, now: datetime) -> str | None:
    account = session.get(Account, mail.account_id)
    if account is None or account.deleted_at is not None:
        return "the account is deleted"
    if account.activated_at is not None:
        return "the account is active already"
    if account.email_version != mail.refs["version"]:
        return "the account has another address now"
    if now >= datetime.fromisoformat(mail.refs["expires_at"]):
        return "the link has expired"
    return None


def _renewed(_session: Session, _programmes: Programmes, _mail: Mail, now: datetime) -> Renewed:
    """A link that lives as long as a new one."""
    expires_at = now + LIFE
    return Renewed({"expires_at": expires_at}, {"expires_at": expires_at.isoformat()})


MAIL_RULES: Final = {TEMPLATE: MailRule(obsolete=_obsolete, links=_links, renewed=_renewed)}
