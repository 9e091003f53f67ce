"""`kontor mails`: list, show and resend."""

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.mails import service as mails
from tests.acceptance.test_cli import Run, environ, printed, run
from tests.support.wiring import silent_jobs

__all__ = ["environ", "run"]

DUTY = "duty@kontor.example"


def alert(engine: Engine) -> str:
    """Post an alert to the only operator; returns the mail's id."""
    facts = {"alerts": [{"kind": "dead_jobs", "count": 3, "detail": "mail.send"}]}
    jobs = silent_jobs(ManualClock())
    with Session(engine) as session:
        posted = mails.post_to(
            session, jobs, template="operator-alert", address=DUTY, facts=facts, fact_key="x",
            refs={"kinds": ["dead_jobs"]},
        )  # fmt: skip
        session.commit()
    return str(posted)


def test_mail_is_listed_shown_and_resent_with_a_reason(run: Run, engine: Engine) -> None:
    assert run("operator", "create", "--email", DUTY, "--role", "operator").returncode == 0
    mail = alert(engine)
    assert mail in run("mails", "list", "--template", "operator-alert", "--state", "queued").stdout
    refused = run("mails", "resend", mail, "--reason", "nobody saw it")
    assert (refused.returncode, refused.stderr) == (1, "kontor: The mail was not sent yet; its job is still trying.\n")
    with engine.begin() as connection:
        connection.execute(text("UPDATE mails SET state = 'sent'"))
    assert "Enter a reason" in run("mails", "resend", mail).stderr
    again = printed(run("mails", "resend", mail, "--reason", "nobody saw it", "--json"))
    assert (again["repeats"], again["state"], again["template"]) == (mail, "queued", "operator-alert")
    assert printed(run("mails", "show", str(again["id"]), "--json"))["repeats"] == mail
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT actor, origin, reason FROM audit_log WHERE action = 'mail.again'"))
        assert [(who.startswith("cli:"), origin, why) for who, origin, why in kept] == [(True, "cli", "nobody saw it")]


def test_unknown_state_is_a_usage_error(run: Run) -> None:
    refused = run("mails", "list", "--state", "lost")
    assert refused.returncode == 2
    assert "queued, held_limit, folded, sent, skipped, suppressed, failed" in " ".join(refused.stderr.split())
