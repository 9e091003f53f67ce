"""Mail pages never show a usable token."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest

from kontor.http.context import Deps
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient
from tests.support.console_data import send_first_mail

As = Callable[[str], ConsoleClient]
TOKEN = re.compile(rb"/activate/([\w.~-]{16,})")


@pytest.fixture
def sent(deps: Deps, make_accounts: Callable[[str], ResellerAccounts]) -> tuple[UUID, str]:
    """A sent activation mail, and its token."""
    make_accounts("elbe")
    mail_id, raw = send_first_mail(deps, "activation")
    match = TOKEN.search(raw.replace(b"=\r\n", b""))
    assert match
    return mail_id, match[1].decode()


def test_no_page_shows_a_usable_token(signed_in: As, sent: tuple[UUID, str]) -> None:
    mail_id, token = sent
    someone = signed_in("admin")
    assert someone.http.get(f"/activate/{token}").status_code == 200
    for path in (f"/console/mail/{mail_id}", f"/console/mail/{mail_id}/frame", "/console/mail", "/console/jobs"):
        text = someone.get(path).text
        assert token not in text, path
        assert token[-24:] not in text, path
    assert "/activate/***" in someone.get(f"/console/mail/{mail_id}").text


def test_mail_is_sandboxed_and_loads_nothing(signed_in: As, sent: tuple[UUID, str]) -> None:
    mail_id, _ = sent
    someone = signed_in("viewer")
    assert f'src="/console/mail/{mail_id}/frame" sandbox' in someone.get(f"/console/mail/{mail_id}").text
    frame = someone.http.get(f"/console/mail/{mail_id}/frame")
    policy = frame.headers["content-security-policy"]
    assert "sandbox;" in policy
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy
    assert "default-src 'none'" in policy
    assert frame.headers["x-frame-options"] == "SAMEORIGIN"


def test_mail_log_is_filtered_by_state_and_template(signed_in: As, sent: tuple[UUID, str]) -> None:
    mail_id, _ = sent
    text = signed_in("viewer").get("/console/mail?state=sent&template=activation").text
    assert str(mail_id) in text
    assert "elbe@shop.example" in text or "admin@elbe.example" in text


def test_source_is_hidden_from_a_viewer(signed_in: As, sent: tuple[UUID, str]) -> None:
    mail_id, _ = sent
    assert "Source, with the tokens" not in signed_in("viewer").get(f"/console/mail/{mail_id}").text
