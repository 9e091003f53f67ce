"""The second factors of the portal's people: of an owner for its account, of a member for its address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.http.passkeys import PasskeyUser
from kontor.kernel.validation import address_key
from kontor.members import queries
from kontor.members.sessions import Opened, account_holder, member_holder
from kontor.ui.portal_access import Access
from models.members import MemberRole
from models.portal import PortalFactor, PortalRecoveryCode


@dataclass(frozen=True, slots=True)
class PortalFactors:
    """The factors and recovery codes of a holder; a FactorStore."""

    session: Session
    holder: str

    @property
    def area(self) -> str:
        """The first part of actions in the audit log."""
        return "portal"

    @property
    def target(self) -> str:
        """The holder in the audit log."""
        return self.holder.replace("member:", "login:", 1)

    def user(self, name: str, issuer: str) -> PasskeyUser:
        """Return what a new passkey remembers; its id tells nothing."""
        return PasskeyUser(sha256(self.holder.encode()).digest(), name, issuer)

    def factors(self) -> Sequence[PortalFactor]:
        """Return the factors, oldest first."""
        return queries.factors_of(self.session, [self.holder])

    def passkeys(self, host: str) -> Sequence[PortalFactor]:
        """Return the passkeys that belong to a host, oldest first."""
        return [factor for factor in self.factors() if factor.host == host and factor.credential_id]

    def new_factor(self, host: str | None = None) -> PortalFactor:
        """Return a factor that is not stored yet."""
        return PortalFactor(holder=self.holder, host=host)

    def new_recovery_code(self) -> PortalRecoveryCode:
        """Return a recovery code that is not stored yet."""
        return PortalRecoveryCode(holder=self.holder)

    def recovery_code(self, code_hash: str) -> PortalRecoveryCode | None:
        """Return a recovery code, read again."""
        return self.session.get(PortalRecoveryCode, (self.holder, code_hash), populate_existing=True)

    def recovery_codes_left(self) -> int:
        """Return how many recovery codes have not been used."""
        return queries.recovery_codes_left(self.session, self.holder)

    def delete_recovery_codes(self) -> None:
        """Delete all recovery codes."""
        queries.delete_recovery_codes(self.session, self.holder)


def holder_of(access: Access) -> str:
    """Return the holder of the factors that a person needs for an access."""
    if access.role is MemberRole.OWNER:
        return account_holder(access.account.id)
    return member_holder(address_key(access.email))


def remove_all(session: Session, account_id: UUID) -> None:
    """Remove every second factor of an account's owner, who has lost them, and the recovery codes."""
    store = PortalFactors(session, account_holder(account_id))
    for factor in store.factors():
        session.delete(factor)
    store.delete_recovery_codes()
    session.flush()


def stores_that_ask(session: Session, opened: Opened) -> list[PortalFactors]:
    """Return the factors of each holder that a sign-in would open and that has any, in one order for locks."""
    asking = {factor.holder for factor in queries.factors_of(session, opened.holders)}
    return [PortalFactors(session, holder) for holder in sorted(asking)]


def opened_with(opened: Opened, asking: Iterable[PortalFactors], proven: Iterable[PortalFactors]) -> Opened:
    """Return what a right factor opens: what asks for none, and what it belongs to."""
    closed = {store.holder for store in asking} - {store.holder for store in proven}
    member = opened.member_key
    return Opened(
        tuple(account for account in opened.accounts if account_holder(account.id) not in closed),
        None if member is None or member_holder(member) in closed else member,
        opened.by_link,
    )
