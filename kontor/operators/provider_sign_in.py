"""Operators whom an identity provider names: linked by a verified address or created, with the role of their claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.errors import Conflict, Forbidden, Invalid
from kontor.kernel.identity import Identity
from kontor.kernel.ids import new_id
from kontor.kernel.validation import InvalidText, address_key, email_address
from kontor.operators import queries, service
from models.people import Operator

NO_PASSWORD: Final = "!"  # noqa: S105 -- a hash that no password has
NO_ROLE: Final = "Your account at the provider has no role here. Ask whoever manages it."
NOT_VERIFIED: Final = "The provider does not say that your e-mail address is verified."
DISABLED: Final = "This login is disabled."


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """A person that the provider named, with the role of its claims. `now` is programme time."""

    issuer: str
    identity: Identity
    role: str | None
    actor: Actor
    now: datetime


def operator_of(session: Session, sign_in: ProviderSignIn) -> Operator:
    """Return the operator, linked or created, with its role of today.

    The last admin stays one. Raises Forbidden (`no_role`, `not_verified`, `disabled`).
    """
    if sign_in.role is None:
        raise Forbidden("no_role", NO_ROLE)
    subject = f"{sign_in.issuer} {sign_in.identity.subject}"
    database.lock_names(session, "operators", f"operator:{address_key(sign_in.identity.email)}")
    operator = queries.operator_by_subject(session, subject) or _linked(session, sign_in, subject)
    if operator is None:
        return _created(session, sign_in, subject, sign_in.role)
    if operator.disabled_at is not None:
        raise Forbidden("disabled", DISABLED)
    if operator.role != sign_in.role:
        _give_role(session, sign_in, operator, sign_in.role)
    return operator


def _linked(session: Session, sign_in: ProviderSignIn, subject: str) -> Operator | None:
    """Link the operator with this address, if the provider verified it. Raises Forbidden."""
    operator = queries.operator_by_email(session, address_key(sign_in.identity.email))
    if not sign_in.identity.email_verified:
        raise Forbidden("not_verified", NOT_VERIFIED)
    if operator is not None:
        if operator.oidc_subject is not None:
            raise Forbidden("not_verified", "This address belongs to another person at the provider.")
        operator.oidc_subject = subject
        audit.record(session, sign_in.actor, "operator.link", operator.email, at=sign_in.now)
    return operator


def _created(session: Session, sign_in: ProviderSignIn, subject: str, role: str) -> Operator:
    try:
        address = email_address(sign_in.identity.email)
    except InvalidText:
        raise Invalid(message="The provider gave no valid e-mail address.") from None
    operator = Operator(
        id=new_id(),
        email=address,
        email_key=address_key(address),
        role=role,
        password_hash=NO_PASSWORD,
        one_time=False,
        created_at=sign_in.now,
        oidc_subject=subject,
    )
    session.add(operator)
    audit.record(session, sign_in.actor, "operator.create", address, at=sign_in.now, detail={"role": role})
    session.flush()
    return operator


def _give_role(session: Session, sign_in: ProviderSignIn, operator: Operator, role: str) -> None:
    try:
        service.set_role(session, operator.id, role, sign_in.actor, sign_in.now)
    except Conflict:
        audit.record(session, sign_in.actor, "operator.last_admin", operator.email, at=sign_in.now)
