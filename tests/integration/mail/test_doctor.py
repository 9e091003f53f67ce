"""What `kontor doctor` says about the mail server."""

from pathlib import Path

import pytest

from kontor.adapters.settings import Settings
from tests.integration.mail.smtp_receiver import Receiver, Server
from workers.doctor import check_smtp


@pytest.mark.parametrize(("login", "state"), [("kontor:secret@", "warning"), ("", "ok")])
def test_doctor_warns_when_a_mail_password_crosses_the_network_in_clear(tmp_path: Path, login: str, state: str) -> None:
    server = Server(Receiver(), hostname="127.0.0.1", port=0)
    server.start()
    settings = Settings(
        data_dir=tmp_path, database_url="", redis_url="", secret_key="", namespace="",
        smtp_url=f"smtp://{login}127.0.0.1:{server.port}",
    )  # fmt: skip
    try:
        check = check_smtp(settings)
    finally:
        server.stop()
    assert check.state == state, check
    assert "secret" not in check.text
