import json
from pathlib import Path

from sqlalchemy import Engine, text

from tests.acceptance.test_cli import Run, environ, run

__all__ = ["environ", "run"]

FORGED = "INSERT INTO audit_log (at, actor, action, target) VALUES (now(), 'operator:x@y.example', 'key.create', 'k')"


def test_commands_leave_rows_and_verify_names_one_that_was_inserted_past_kontor(
    run: Run, engine: Engine, tmp_path: Path
) -> None:
    key = json.loads(run("keys", "create", "--name", "ci", "--scope", "read", "--json").stdout)
    assert run("keys", "revoke", key["id"]).returncode == 0
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, origin, detail FROM audit_log ORDER BY seq")).all()
    assert [(row.action, row.origin) for row in rows] == [("cli.keys.create", "cli"), ("cli.keys.revoke", "cli")]
    assert all(row.actor.startswith("cli:") for row in rows)
    assert rows[0].detail["changed"][0]["after"]["secret_hash"] == "***"
    assert rows[1].detail["changed"][0]["before"]["revoked_at"] is None
    verified = run("audit", "verify", "--json")
    document = json.loads(verified.stdout)
    assert (verified.returncode, document["sealed"], document["offers"]) == (0, 2, 0)
    archive = tmp_path / "old.jsonl"
    assert run("audit", "archive", "--before", "2999-01-01", "--file", str(archive)).returncode == 0
    assert len(archive.read_text().splitlines()) == 3
    assert run("audit", "verify").returncode == 0
    with engine.begin() as connection:
        connection.execute(text(FORGED))
    forged = run("audit", "verify", "--json")
    assert forged.returncode == 1
    assert [finding["kind"] for finding in json.loads(forged.stdout)["findings"]] == ["inserted"]
