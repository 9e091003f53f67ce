"""Evidence changed past Kontor, acts that leave none, and secrets where they must not be."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.attack.attempts import Attempts
from tests.attack.console import sign_in
from tests.attack.target import AttackTarget
from tests.attack.tenants import create_tenant

TRIGGERS: Final = "SET session_replication_role = replica"
CHANGES: Final = {
    "changed": "UPDATE audit_log SET action = 'nothing.happened' WHERE seq = {seq}",
    "deleted": "DELETE FROM audit_log WHERE seq = {seq}",
}
INSERTED: Final = (
    "INSERT INTO audit_log (at, actor, action, target) VALUES (now(), 'operator:victim', 'job.cancel', 'job:1')"
)
WRONG_KEYS: Final = (
    "another secret that nobody listed 0123456789",
    "a" * 32,
    "short",
    "abababababababababababababababab",
)


def changed_audit(target: AttackTarget, attempts: Attempts) -> None:
    """Change and delete rows of the audit log past Kontor, and look for acts that left none."""
    tenant = create_tenant(target, "audited", furnished=False)
    verified = _verify(target)
    attempts.held("control: the log is intact", verified["intact"], verified)
    for word, statement in CHANGES.items():
        refusal = _error_of(target, statement.format(seq=_newest(target)))
        attempts.held(f"a row {word} with the application's rights", refusal, "no error")
    _acts(target, attempts, tenant.reseller)
    for word, statement in CHANGES.items():
        seq = _newest(target)
        _verify(target)
        target.sql(f"{TRIGGERS}; {statement.format(seq=seq)}")
        _named(target, attempts, word, seq)
    target.sql(INSERTED)
    _named(target, attempts, "inserted", _newest(target))


def _named(target: AttackTarget, attempts: Attempts, word: str, seq: int) -> None:
    """Record whether the verification names a row."""
    result = target.run("audit", "verify", "--json")
    findings = json.loads(result.stdout)["findings"]
    named = [finding for finding in findings if finding["row"] == seq and finding["kind"] == word]
    attempts.held(f"a row {word} past Kontor", result.returncode == 1 and named, findings)


def _verify(target: AttackTarget) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(target.run("audit", "verify", "--json").stdout)
    return report


def _newest(target: AttackTarget) -> int:
    return int(target.sql("SELECT max(seq) FROM audit_log")[0][0])


def _error_of(target: AttackTarget, statement: str) -> str:
    import psycopg

    try:
        target.sql(statement)
    except psycopg.Error as error:
        return str(error)
    return ""


def _acts(target: AttackTarget, attempts: Attempts, reseller: str) -> None:
    """Do what left no row before, and look for its row."""
    key = target.deployment.kontor("keys", "create", "--name", "evident", "--scope", "read")
    target.run("keys", "revoke", key["id"])
    target.call(key["secret"], f"DELETE /v1/accounts/{reseller}")
    target.call(target.admin, f"PATCH /v1/accounts/{reseller}", {"locale": "de"})
    admin = sign_in(target, "admin")
    admin.post("/console/logout", {})
    rows = sign_in(target, "admin").get("/console/audit.csv").text
    for action in ("key.create", "key.revoke", "operator.create", "operator.own_password", "operator.sign_in",
                   "operator.sign_out", "account.", "exported"):  # fmt: skip
        attempts.held(f"a row for {action}", re.search(rf"\b{re.escape(action)}", rows), "none")


def wrong_secret_keys(target: AttackTarget, attempts: Attempts) -> None:
    """Start processes and commands with another SECRET_KEY."""
    for key in WRONG_KEYS[:: 3 if target.short else 1]:
        for command in (("worker",), ("relay",), ("scheduler",), ("doctor",), ("keys", "list")):
            result = target.run(*command, SECRET_KEY=key, PORT="0")
            line = result.stderr.strip().splitlines()
            attempts.held(f"{' '.join(command)} with {key[:8]}…", result.returncode != 0, line[-1:])
            attempts.absent(f"what {command[0]} prints", result.stdout + result.stderr, key if len(key) > 8 else "\0")


def secrets_at_rest(target: AttackTarget, attempts: Attempts) -> None:
    """Search the whole database, the logs and the files for secrets in clear."""
    tenant = create_tenant(target, "resting")
    secrets = {
        "key": tenant.key,
        "admin's key": target.admin,
        "instance's secret": tenant.instance.received.secret or "\0",
    }
    tables = [row[0] for row in target.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for table in tables:
        text = "\n".join(str(row[0]) for row in target.sql(f'SELECT t::text FROM "{table}" t'))
        for word, secret in secrets.items():
            attempts.absent(f"{word} in {table}", text, secret)
    for word, text in _files(target):
        attempts.absent(word, text, *secrets.values())
    loose = [path.name for path in target.deployment.data.glob("*.json") if path.stat().st_mode & 0o077]
    attempts.held("files that others may read", not loose, loose)
    login = target.deployment.data / "first-login.json"
    first = json.loads(login.read_text())
    values = [str(value) for value in _leaves(first) if len(str(value)) > 11 and "@" not in str(value)]
    hidden = [value for value in values if not value.startswith(("http", "20"))]
    for word, text in _files(target):
        attempts.absent(f"the first login in {word}", text, *hidden)


def _files(target: AttackTarget) -> Iterator[tuple[str, str]]:
    for path in target.deployment.data.glob("*.log"):
        yield path.name, path.read_text(errors="replace")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
