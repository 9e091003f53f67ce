"""Operators are notified once per incident and hour."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.alerts.service import alert_operators
from kontor.context import Context
from kontor.engine.handlers import Done, Outcome
from kontor.kernel.states import AlertKind
from kontor.mailer.identity import Addressee
from kontor.operators import service as operators
from models.mails import Mail


def headers_of(transport: FakeMailTransport) -> EmailMessage:
    """The headers of the first mail sent."""
    return message_from_bytes(transport.sent[0].raw, policy=policy.default)


def hire(office: Context, session: Session, email: str, role: str) -> None:
    operators.create(session, office.passwords, email, role, now=office.now, actor="test")


def test_every_operator_is_notified_once_per_incident_and_hour(
    office: Context, session: Session, clock: ManualClock
) -> None:
    hire(office, session, "op@kontor.example", "operator")
    hire(office, session, "admin@kontor.example", "admin")
    hire(office, session, "viewer@kontor.example", "viewer")
    heard = [
        alert_operators(session, office.jobs, AlertKind.DEAD_JOBS, matter, "refused")
        for matter in ("offers.deliver", "offers.deliver", "webhooks.deliver")
    ]
    clock.advance(timedelta(hours=1))
    heard.append(alert_operators(session, office.jobs, AlertKind.DEAD_JOBS, "offers.deliver", "x"))
    assert heard == [2, 0, 2, 2]


def test_alert_is_sent_in_the_deployments_name_with_a_link_to_the_console(
    office: Context,
    session: Session,
    send: Callable[[UUID], Outcome],
    transport: FakeMailTransport,
) -> None:
    hire(office, session, "op@kontor.example", "operator")
    alert_operators(session, office.jobs, AlertKind.DEAD_JOBS, "offers.deliver", "refused\r\nBcc: x@x")
    mail = session.scalars(select(Mail).where(Mail.template == "operator-alert")).one()
    assert isinstance(send(mail.id), Done)
    assert mail.raw is not None
    assert "https://staff.example/console/jobs?state=dead" in mail.raw.replace("=3D", "=").replace("=\r\n", "")
    assert [sent.recipient for sent in transport.sent] == ["op@kontor.example"]
    assert b"\nBcc" not in transport.sent[0].raw
    assert headers_of(transport)["From"].startswith("Kontor <noreply@")


@pytest.mark.parametrize(
    ("operator_from", "name"),
    [
        (Addressee("ops@provider.example", "Operations"), "Operations"),
        (Addressee("ops@provider.example"), "Kontor"),
    ],
)
def test_alert_is_from_the_address_of_the_setting(
    office: Context,
    session: Session,
    send: Callable[[UUID], Outcome],
    transport: FakeMailTransport,
    name: str,
) -> None:
    for email in ("op@kontor.example", "admin@kontor.example"):
        hire(office, session, email, "operator")
    alert_operators(session, office.jobs, AlertKind.DEAD_JOBS, "offers.deliver", "refused")
    send(session.scalars(select(Mail.id).where(Mail.template == "operator-alert")).one())

    assert {sent.recipient for sent in transport.sent} == {"op@kontor.example", "admin@kontor.example"}
    assert len({sent.raw for sent in transport.sent}) == 1
    headers = headers_of(transport)
    assert (headers["From"], headers["Sender"], headers["Reply-To"]) == (f"{name} <ops@provider.example>", None, None)
    assert transport.sent[0].envelope_from == "ops@provider.example"
    assert (headers["To"], headers["Cc"]) == ("op@kontor.example", "admin@kontor.example")
