"""What operators are told by mail: one digest a quarter of an hour with what is new, an all-clear when all is over.

Matters are rows. A matter that was told is told again only when there is more of it. What cannot wait for the
digest is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.alerts import AlertKind, Matter, Told, folded, is_news, quarter
from engine.enqueue import Jobs
from mail.plain import one_line
from models.alerts import Alert
from models.mails import Mail
from services import mails
from services.mails import Links, MailRule
from services.matters import at_hand
from services.tokens import Tokens
from store import alerts as rows
from store import people

TEMPLATE: Final = "operator-alert"
PAGES: Final = {
    AlertKind.DEAD_JOBS: "/console/jobs?state=dead",
    AlertKind.LATE_WORK: "/console/jobs?state=queued",
    AlertKind.HELD_LANES: "/console/instances",
}
DETAIL_LIMIT: Final = 300


def tell_operators(session: Session, jobs: Jobs, kind: AlertKind, matter: str, detail: str, count: int = 1) -> int:
    """Mail one matter at once to every operator that may act; return how many had not heard this hour."""
    now = jobs.clock.now()
    rows.take_turn(session)
    seen = Matter(kind, matter, count, f"{matter}: {detail}")
    alert = _written(session, rows.open_alerts(session), seen, now)
    key = f"{kind.value}:{matter}:{now:%Y-%m-%dT%H}"
    posted = _post(session, jobs, key, [seen])
    _mark(alert, seen, key, now)
    return posted


def look(session: Session, jobs: Jobs, now: datetime) -> dict[str, int]:
    """See what needs a person, and mail a digest or an all-clear, one at most in each quarter of an hour.

    Returns how many matters there are, how many were told, and how many were told to be over.
    """
    rows.take_turn(session)
    known = rows.open_alerts(session)
    found = at_hand(session, jobs.catalogue, now)
    seen = {(one.kind.value, one.name) for one in found}
    for gone in known.keys() - seen:
        known[gone].cleared_at = now
    written = [(_written(session, known, one, now), one) for one in found]
    session.flush()
    news = [(alert, one) for alert, one in written if is_news(one, _told(alert))]
    done = _speak(session, jobs, news, quiet=all(alert.told_at is None for alert, _ in written))
    return {"open": len(found), **done}


def _speak(session: Session, jobs: Jobs, news: Sequence[tuple[Alert, Matter]], *, quiet: bool) -> dict[str, int]:
    """Tell what is new; when nothing is, and nothing told is open (`quiet`), that it is over."""
    now = jobs.clock.now()
    key = f"digest:{quarter(now):%Y-%m-%dT%H:%M}"
    if rows.spoken_in(session, key) or not people.acting_operators(session):
        return {"told": 0, "over": 0}
    if news:
        _post(session, jobs, key, [one for _, one in news])
        for alert, one in news:
            _mark(alert, one, key, now)
        return {"told": len(news), "over": 0}
    over = rows.over(session) if quiet else []
    if over:
        _post(session, jobs, key, map(_matter, over), all_clear=True)
        rows.mark_over(session, [alert.id for alert in over], key)
    return {"told": 0, "over": len(over)}


def _written(session: Session, known: dict[tuple[str, str], Alert], seen: Matter, now: datetime) -> Alert:
    alert = known.get((seen.kind.value, seen.name))
    if alert is None:
        return rows.add(session, seen, now)
    alert.count, alert.detail, alert.last_at = seen.count, seen.detail, now
    return alert


def _told(alert: Alert) -> Told | None:
    return None if alert.told_at is None else Told(alert.told_count or 0, alert.told_at)


def _matter(alert: Alert) -> Matter:
    return Matter(AlertKind(alert.kind), alert.matter, alert.told_count or alert.count, alert.detail)


def _mark(alert: Alert, told: Matter, key: str, now: datetime) -> None:
    alert.told_count, alert.told_at, alert.told_in = told.count, now, key


def _post(session: Session, jobs: Jobs, key: str, matters: Iterable[Matter], *, all_clear: bool = False) -> int:
    """A mail to every operator that may act; returns how many had not been told under this key."""
    lines = folded(matters)
    kinds = sorted({one.kind.value for one in lines})
    facts: dict[str, Any] = {"alerts": [_line(one) for one in lines], "all_clear": all_clear}
    refs = {"kinds": kinds, "key": key, "all_clear": all_clear}
    told = [
        mails.post_to(session, jobs, template=TEMPLATE, address=one.email, facts=facts, fact_key=key, refs=refs)
        for one in people.acting_operators(session)
    ]
    return sum(mail_id is not None for mail_id in told)


def _line(matter: Matter) -> dict[str, Any]:
    detail = one_line(matter.detail)[:DETAIL_LIMIT]
    return {"kind": matter.kind.value, "count": matter.count, "detail": detail}


def _links(_session: Session, _tokens: Tokens, mail: Mail) -> Links:
    """The page of what it is about; the overview when it is about several things. Older mails name one kind."""
    kinds = mail.refs.get("kinds") or [mail.refs["kind"]]
    page = PAGES.get(AlertKind(kinds[0]), "/console") if len(kinds) == 1 else "/console"
    return {"console": page}


def _obsolete(session: Session, mail: Mail, _now: datetime) -> str | None:
    """An alert of which everything is over by now, or an all-clear after which something came up."""
    key = mail.refs.get("key")
    if key is None:
        return None
    mine_open, any_open = rows.still(session, key)
    if mail.refs["all_clear"]:
        return "something came up meanwhile" if any_open else None
    return None if mine_open else "it was over before it was told"


MAIL_RULES: Final = {TEMPLATE: MailRule(links=_links, obsolete=_obsolete)}
