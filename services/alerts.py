"""What operators are told by mail: one alert per matter and hour, to each of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from engine.enqueue import Jobs
from mail.facts_operators import AlertKind
from mail.plain import one_line
from models.mails import Mail
from services import mails
from services.mails import Links, MailRule
from services.tokens import Tokens
from store import people

TEMPLATE: Final = "operator-alert"
PAGES: Final = {AlertKind.DEAD_JOBS: "/console/jobs?state=dead"}
DETAIL_LIMIT: Final = 300


def tell_operators(session: Session, jobs: Jobs, kind: AlertKind, matter: str, detail: str, count: int = 1) -> int:
    """Mail an alert to every operator that may act; return how many had not heard this hour."""
    hour = jobs.clock.now().strftime("%Y-%m-%dT%H")
    told = one_line(f"{matter}: {detail}")[:DETAIL_LIMIT]
    facts = {"alerts": [{"kind": kind.value, "count": count, "detail": told}]}
    posted = 0
    for operator in people.acting_operators(session):
        mail_id = mails.post_to(
            session,
            jobs,
            template=TEMPLATE,
            address=operator.email,
            facts=facts,
            fact_key=f"{kind.value}:{matter}:{hour}",
            refs={"kind": kind.value},
        )
        posted += mail_id is not None
    return posted


def _links(_session: Session, _tokens: Tokens, mail: Mail) -> Links:
    return {"console": PAGES.get(AlertKind(mail.refs["kind"]), "/console")}


MAIL_RULES: Final = {TEMPLATE: MailRule(links=_links)}
