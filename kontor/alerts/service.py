"""Alert mails to operators: at most one digest per quarter of an hour, and an all-clear when everything is resolved.

Incidents are rows. An incident that was reported is reported again only when it grew. Urgent ones are mailed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from kontor.alerts import incidents as alerts_incidents
from kontor.alerts.incidents import current
from kontor.alerts.rules import Incident, Notified, collapse, is_news, quarter_hour
from kontor.engine.enqueue import Jobs
from kontor.kernel.states import AlertKind
from kontor.kernel.tokens import Tokens
from kontor.mailer.formatting import one_line
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from kontor.operators import service as operators
from models.mails import Mail
from models.people import Alert

TEMPLATE: Final = "operator-alert"
PAGES: Final = {
    AlertKind.DEAD_JOBS: "/console/jobs?state=dead",
    AlertKind.LATE_WORK: "/console/jobs?state=queued",
    AlertKind.HELD_LANES: "/console/instances",
    AlertKind.HELD_MAILS: "/console/mail?state=held_limit",
    AlertKind.GUARD_RAIL: "/console/discount-runs?state=held",
}
DETAIL_LIMIT: Final = 300


def alert_operators(session: Session, jobs: Jobs, kind: AlertKind, matter: str, detail: str, count: int = 1) -> int:
    """Mail one incident at once to the operators that may act; return how many, 0 if they were mailed this hour."""
    now = jobs.clock.now()
    alerts_incidents.lock(session)
    incident = Incident(kind, matter, count, f"{matter}: {detail}")
    alert = _record(session, alerts_incidents.open_alerts(session), incident, now)
    key = f"{kind.value}:{matter}:{now:%Y-%m-%dT%H}"
    posted = _post(session, jobs, key, [incident])
    _mark(alert, incident, key, now)
    return posted


def check(session: Session, jobs: Jobs, now: datetime) -> dict[str, int]:
    """Check for open incidents and mail a digest or an all-clear, at most one mail per quarter of an hour.

    Return how many incidents are open, how many were reported, and how many were reported as resolved.
    """
    alerts_incidents.lock(session)
    open_alerts = alerts_incidents.open_alerts(session)
    incidents = current(session, jobs.catalogue, now)
    keys = {(incident.kind.value, incident.name) for incident in incidents}
    for key in open_alerts.keys() - keys:
        open_alerts[key].cleared_at = now
    recorded = [(_record(session, open_alerts, incident, now), incident) for incident in incidents]
    session.flush()
    news = [(alert, incident) for alert, incident in recorded if is_news(incident, _notified(alert))]
    counts = _send_digest(session, jobs, news, resolved=all(alert.told_at is None for alert, _ in recorded))
    return {"open": len(incidents), **counts}


def _send_digest(
    session: Session, jobs: Jobs, news: Sequence[tuple[Alert, Incident]], *, resolved: bool
) -> dict[str, int]:
    """Mail what is new; otherwise, if no reported incident is open (`resolved`), mail the all-clear."""
    now = jobs.clock.now()
    key = f"digest:{quarter_hour(now):%Y-%m-%dT%H:%M}"
    if alerts_incidents.was_mailed(session, key) or not operators.operators_who_can_act(session):
        return {"told": 0, "over": 0}
    if news:
        _post(session, jobs, key, [incident for _, incident in news])
        for alert, incident in news:
            _mark(alert, incident, key, now)
        return {"told": len(news), "over": 0}
    cleared = alerts_incidents.unreported_cleared(session) if resolved else []
    if cleared:
        _post(session, jobs, key, map(_incident, cleared), all_clear=True)
        alerts_incidents.mark_reported_cleared(session, [alert.id for alert in cleared], key)
    return {"told": 0, "over": len(cleared)}


def _record(session: Session, open_alerts: dict[tuple[str, str], Alert], incident: Incident, now: datetime) -> Alert:
    alert = open_alerts.get((incident.kind.value, incident.name))
    if alert is None:
        return alerts_incidents.add(session, incident, now)
    alert.count, alert.detail, alert.last_at = incident.count, incident.detail, now
    return alert


def _notified(alert: Alert) -> Notified | None:
    return None if alert.told_at is None else Notified(alert.told_count or 0, alert.told_at)


def _incident(alert: Alert) -> Incident:
    return Incident(AlertKind(alert.kind), alert.matter, alert.told_count or alert.count, alert.detail)


def _mark(alert: Alert, incident: Incident, key: str, now: datetime) -> None:
    alert.told_count, alert.told_at, alert.told_in = incident.count, now, key


def _post(session: Session, jobs: Jobs, key: str, incidents: Iterable[Incident], *, all_clear: bool = False) -> int:
    """Post one mail to all operators that may act; return how many they are, 0 when they have it under this key."""
    lines = collapse(incidents)
    kinds = sorted({line.kind.value for line in lines})
    facts: dict[str, Any] = {"alerts": [_line(line) for line in lines], "all_clear": all_clear}
    refs = {"kinds": kinds, "key": key, "all_clear": all_clear}
    readers = [operator.email for operator in operators.operators_who_can_act(session)]
    if not readers:
        return 0
    to, *cc = readers
    mail_id = mails.post_to(session, jobs, template=TEMPLATE, address=to, cc=cc, facts=facts, fact_key=key, refs=refs)
    return 0 if mail_id is None else len(readers)


def _line(incident: Incident) -> dict[str, Any]:
    detail = one_line(incident.detail)[:DETAIL_LIMIT]
    return {"kind": incident.kind.value, "count": incident.count, "detail": detail}


def _links(_session: Session, _tokens: Tokens, mail: Mail) -> Links:
    """Link to the page of the alert's kind, or to the overview when there are several. Older mails name one kind."""
    kinds = mail.refs.get("kinds") or [mail.refs["kind"]]
    page = PAGES.get(AlertKind(kinds[0]), "/console") if len(kinds) == 1 else "/console"
    return {"console": page}


def _skip_reason(session: Session, mail: Mail, _now: datetime) -> str | None:
    """Return why the mail need not be sent: all of its incidents are resolved, or the all-clear is outdated."""
    key = mail.refs.get("key")
    if key is None:
        return None
    own_open, any_open = alerts_incidents.open_state(session, key)
    if mail.refs["all_clear"]:
        return "a new incident was reported in the meantime" if any_open else None
    return None if own_open else "all incidents were resolved before the mail was sent"


MAIL_RULES: Final = {TEMPLATE: MailRule(links=_links, skip_reason=_skip_reason)}
