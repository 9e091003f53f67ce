"""Resending a mail from its page: requires a reason, once per form, refused with a cause."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kontor.http.context import Deps
from models.accounts import Account
from models.control import AuditEntry
from models.mails import Mail
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient
from tests.support.console_data import send_first_mail

As = Callable[[str], ConsoleClient]


@pytest.fixture
def sent(deps: Deps, make_accounts: Callable[[str], ResellerAccounts]) -> UUID:
    """A sent activation mail."""
    make_accounts("elbe")
    return send_first_mail(deps, "activation")[0]


def repeats(deps: Deps, mail_id: UUID) -> int:
    with deps.sessions() as session:
        return session.scalar(select(func.count()).where(Mail.repeats == mail_id)) or 0


def test_resent_mail_is_linked_and_audited_with_its_reason(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("operator")
    assert f'href="/console/mail/{sent}/again"' in someone.get(f"/console/mail/{sent}").text
    form = someone.fields(f"/console/mail/{sent}/again")
    done = someone.http.post(f"/console/mail/{sent}/again", data={**form, "reason": "she deleted it"})
    assert done.status_code == 303
    page = someone.get(done.headers["location"])
    assert "New mail created; its job is queued." in page.text
    assert f'href="/console/mail/{sent}"' in page.text
    with deps.sessions() as session:
        posted = session.scalars(select(Mail).where(Mail.repeats == sent)).one()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.again")).one()
    assert done.headers["location"] == f"/console/mail/{posted.id}?done=sent-again"
    assert (entry.actor, entry.reason) == ("operator:operator@kontor.example", "she deleted it")
    assert "she deleted it" in someone.get("/console/audit?action=mail.").text
    for mail_id in (sent, posted.id):
        assert "resent it – “she deleted it”" in someone.get(f"/console/mail/{mail_id}").text
    assert f'href="/console/mail/{posted.id}"' in someone.get(f"/console/mail/{sent}").text


def test_double_click_resends_once_and_leads_to_the_same_mail(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("operator")
    form = {**someone.fields(f"/console/mail/{sent}/again"), "reason": "she deleted it"}
    places = {someone.http.post(f"/console/mail/{sent}/again", data=form).headers["location"] for _ in range(3)}
    assert len(places) == 1
    assert repeats(deps, sent) == 1


def test_resending_requires_a_reason(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("operator")
    form = {**someone.fields(f"/console/mail/{sent}/again"), "reason": "  "}
    refused = someone.http.post(f"/console/mail/{sent}/again", data=form)
    assert refused.status_code == 422
    assert "Enter a reason" in refused.text
    assert repeats(deps, sent) == 0


def test_viewer_has_no_resend_button_and_is_refused(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("viewer")
    assert "/again" not in someone.get(f"/console/mail/{sent}").text
    assert someone.http.get(f"/console/mail/{sent}/again").status_code == 403
    refused = someone.post(f"/console/mail/{sent}/again", {"reason": "because", "number": "1"})
    assert refused.status_code == 403
    assert "Your role is viewer" in refused.text
    assert repeats(deps, sent) == 0


def test_resend_form_of_another_site_is_refused(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("operator")
    refused = someone.http.post(f"/console/mail/{sent}/again", data={"csrf": "guessed", "reason": "because"})
    assert refused.status_code == 403
    assert repeats(deps, sent) == 0


def test_obsolete_mail_cannot_be_resent_and_the_cause_is_shown(signed_in: As, deps: Deps, sent: UUID) -> None:
    someone = signed_in("operator")
    form = {**someone.fields(f"/console/mail/{sent}/again"), "reason": "she deleted it"}
    with deps.sessions() as session:
        account_id = session.get_one(Mail, sent).account_id
        session.get_one(Account, account_id).activated_at = deps.clock.now()
        session.commit()
    page = someone.get(f"/console/mail/{sent}").text
    assert "Cannot be resent: The mail no longer applies: the account is already active." in page
    for answer in (
        someone.http.get(f"/console/mail/{sent}/again"),
        someone.http.post(f"/console/mail/{sent}/again", data=form),
    ):
        assert answer.status_code == 409
        assert "the account is already active" in answer.text
        assert "Resend mail</button>" not in answer.text
    assert repeats(deps, sent) == 0
