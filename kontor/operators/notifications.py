"""Mails about operators' own logins."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.tokens import Tokens
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from kontor.operators.sessions import NewSession
from models.mails import Mail

NEW_SIGN_IN: Final = "new-sign-in"
SECURITY_PAGE: Final = "/console/security"
BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_name(agent: str | None) -> str:
    """Return browser and system that a User-Agent names, of those known here: never its own text."""
    text = agent or ""
    names = (next((name for mark, name in table if mark in text), None) for table in (BROWSERS, SYSTEMS))
    return ", ".join(name for name in names if name)


def post_new_sign_in(session: Session, jobs: Jobs, opened: NewSession, at: datetime) -> None:
    """Post `new-sign-in` to the operator."""
    operator, row = opened.operator, opened.session
    facts = {"email": operator.email, "at": at, "device": device_name(row.agent), "origin": row.origin or ""}
    mails.post_to(
        session,
        jobs,
        template=NEW_SIGN_IN,
        address=operator.email,
        facts=facts,
        fact_key=f"session:{row.id}",
        locale=operator.locale or "en",
    )


def _links(_session: Session, _tokens: Tokens, _mail: Mail) -> Links:
    return {"console": SECURITY_PAGE}


MAIL_RULES: Final = {NEW_SIGN_IN: MailRule(links=_links)}
