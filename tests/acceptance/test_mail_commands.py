"""`kontor mails`: list, show, links and resend."""

from aiosmtpd.smtp import Envelope
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from devtools.mail_catcher import store_mail
from kontor.adapters.data_directory import MAIL
from kontor.adapters.fakes import ManualClock
from kontor.adapters.settings import Settings
from kontor.mails import service as mails
from tests.acceptance.test_cli import Run, environ, listed, printed, run
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


def test_links_are_whole_in_the_catcher_and_masked_elsewhere(run: Run, engine: Engine, settings: Settings) -> None:
    assert run("operator", "create", "--email", DUTY, "--role", "operator").returncode == 0
    mail = alert(engine)
    assert printed(run("mails", "links", mail, "--json"))["items"] == [
        {"id": mail, "template": "operator-alert", "to": DUTY, "subject": None, "caught": False, "links": []}
    ]
    head = "Message-ID: <m1@kontor.example>\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n"
    message = head + "Content-Transfer-Encoding: quoted-printable\r\n\r\nOpen\r\n\r\nhttps://k.example/offers/{}\r\n"
    with engine.begin() as connection:
        values = {"id": mail, "raw": message.format("***")}
        written = "UPDATE mails SET state = 'sent', message_id = '<m1@kontor.example>', raw = :raw WHERE id = :id"
        connection.execute(text(written), values)
    assert run("mails", "links", mail).stdout.splitlines()[1:] == ["  https://k.example/offers/***"]
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos = "k@kontor.example", [DUTY]
    envelope.original_content = message.format("tok=\r\nen").encode()
    folder = settings.data_dir / MAIL
    folder.mkdir(parents=True, exist_ok=True)
    store_mail(folder, envelope)
    items = listed(run("mails", "links", "--json"))
    assert [(each["caught"], each["links"]) for each in items] == [(True, ["https://k.example/offers/token"])]


def test_links_of_an_unknown_mail_are_refused(run: Run) -> None:
    refused = run("mails", "links", "01a22f0f-e76d-7747-b389-297a9d376af8")
    assert (refused.returncode, refused.stderr) == (1, "kontor: There is no such mail.\n")
