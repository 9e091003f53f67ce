"""Visits of others in an account, a reseller's people or staff: who, when, and what they did (portal.md 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.members import queries
from kontor.ui.pages import N
from kontor.ui.portal_access import Access
from models.accounts import Account
from models.portal import PortalVisit

ENTERED: Final = "entered"
SHOWN: Final = 100
ACTS: Final = {
    ENTERED: N("opened the account"),
    "start_trial": N("started the free trial"),
    "change_plan": N("changed the plan"),
}


@dataclass(frozen=True, slots=True)
class VisitLine:
    """A line of the client's page: the reseller and its person, or staff; what they did and when."""

    reseller: str
    person: str
    act: str
    at: datetime


def enter(session: Session, who: Access, client: Account, session_id: UUID, now: datetime) -> None:
    """Record that a session opened a client's pages, once."""
    if not queries.has_visited(session, session_id, client.id):
        note(session, who, client, session_id, ENTERED, now)


def note(session: Session, who: Access, client: Account, session_id: UUID, act: str, now: datetime) -> None:
    """Record an act of a reseller's person in a client's account."""
    visit = PortalVisit(
        account_id=client.id, reseller_id=who.account.id, session_id=session_id, person=who.name, act=act, at=now
    )
    session.add(visit)
    session.flush()


def of_account(session: Session, account: Account) -> list[VisitLine]:
    """Return the last 100 visits by staff and the present reseller, newest first; a former one's are its own affair."""
    rows = queries.visits(session, account.id, account.reseller_id or account.id, SHOWN)
    return [
        VisitLine(visit.person if visit.reseller_id == account.id else name, visit.person, visit.act, visit.at)
        for visit, name in rows
    ]
