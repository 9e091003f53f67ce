"""People and keys: for admins only; secrets are shown once; the last admin cannot be removed."""

import csv
import io
import re
from collections.abc import Callable
from uuid import UUID

import httpx
from sqlalchemy import select

from kontor import audit
from kontor.audit import Actor
from kontor.console.app import ADMIN_PAGES
from kontor.http.context import Deps
from kontor.operators.keys import LIFETIME
from models.control import AuditEntry
from models.keys import ApiKey
from models.people import Operator
from tests.support.api import ResellerAccounts
from tests.support.console import PASSWORD, ConsoleClient, create_operator
from tests.support.wiring import EXAMPLES

As = Callable[[str], ConsoleClient]
SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


def id_of(deps: Deps, email: str) -> UUID:
    """The id of an operator."""
    with deps.sessions() as session:
        return session.scalars(select(Operator.id).where(Operator.email == email)).one()


def test_only_admins_see_people_and_keys(signed_in: As) -> None:
    someone = signed_in("operator")
    for path, _ in ADMIN_PAGES:
        assert someone.http.get(path.format(code="learning", entry="free")).status_code == 403, path
    assert "/console/people" not in someone.get("/console").text
    for path in ("/console/people", "/console/keys"):
        assert someone.post(path, {"email": "me@kontor.example", "role": "admin", "name": "mine"}).status_code == 403


def test_new_operator_gets_a_password_that_is_shown_once(signed_in: As, address: str) -> None:
    admin = signed_in("admin")
    made = admin.post("/console/people", {"email": "new@kontor.example", "role": "operator"})
    match = SECRET.search(made.text)
    assert match
    assert match[1] not in admin.get("/console/people").text
    assert admin.post("/console/people", {"email": "new@kontor.example", "role": "viewer"}).status_code == 409
    assert admin.post("/console/people", {"email": "no address", "role": "viewer"}).status_code == 422
    assert admin.post("/console/people", {"email": "a@b.example", "role": "king"}).status_code == 422
    with httpx.Client(base_url=address, verify=False) as http:
        assert ConsoleClient(http).sign_in("new@kontor.example", match[1]).status_code == 303


def test_disabling_an_operator_ends_its_sessions_and_enabling_restores_the_login(
    signed_in: As, deps: Deps, address: str
) -> None:
    admin, email = signed_in("admin"), create_operator(deps, "viewer")
    place = f"/console/people/{id_of(deps, email)}"
    with httpx.Client(base_url=address, verify=False) as http:
        other = ConsoleClient(http)
        assert other.sign_in(email).status_code == 303
        assert admin.post(f"{place}/disable", {"reason": ""}).status_code == 422
        assert admin.post(f"{place}/disable", {"reason": "left us"}).status_code == 303
        assert http.get("/console").status_code == 303
        assert other.sign_in(email).status_code == 401
        assert admin.post(f"{place}/enable").status_code == 303
        assert other.sign_in(email).status_code == 303
        fresh = SECRET.search(admin.post(f"{place}/password").text)
        assert fresh
        assert http.get("/console").status_code == 303
        assert other.sign_in(email, PASSWORD).status_code == 401
        assert other.sign_in(email, fresh[1]).status_code == 303


def test_last_admin_cannot_be_disabled_or_demoted(signed_in: As, deps: Deps) -> None:
    admin = signed_in("admin")
    place = f"/console/people/{id_of(deps, 'admin@kontor.example')}"
    assert admin.post(f"{place}/disable", {"reason": "oops"}).status_code == 409
    refused = admin.post(f"{place}/role", {"role": "viewer"})
    assert refused.status_code == 409
    assert "last admin" in refused.text
    assert admin.get("/console/people").status_code == 200


def test_role_change_takes_effect_on_the_next_request(signed_in: As, deps: Deps, address: str) -> None:
    admin, email = signed_in("admin"), create_operator(deps, "operator")
    with httpx.Client(base_url=address, verify=False) as http:
        ConsoleClient(http).sign_in(email)
        assert http.get("/console/queues/probe/pause").status_code == 200
        assert admin.post(f"/console/people/{id_of(deps, email)}/role", {"role": "viewer"}).status_code == 200
        assert http.get("/console/queues/probe/pause").status_code == 403


def test_key_is_created_shown_once_and_revoked(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    admin, accounts = signed_in("admin"), make_accounts("elbe")
    invalid_forms = ({"name": ""}, {"name": "k"}, {"name": "k", "scope-read": "1", "reseller": "x"},
             {"name": "k", "scope-read": "1", "expires": "soon"}, {"name": "k", "narrowed": "read:x"},
             {"name": "k", "scope-read": "1", "from": "10.0.0.0/99"},
             {"name": "k", "scope-read": "1", "rate": "many"})  # fmt: skip
    for form in invalid_forms:
        assert admin.post("/console/keys", form).status_code == 422, form
    made = admin.post("/console/keys", {"name": "shop key", "scope-read": "1", "reseller": str(accounts.reseller)})
    match = SECRET.search(made.text)
    assert match
    headers = {"Authorization": f"Bearer {match[1]}"}
    assert admin.http.get("/v1/accounts", headers=headers).status_code == 200
    listed = admin.get("/console/keys").text
    assert match[1] not in listed
    place = re.search(r'"(/console/keys/[^"]+/revoke)"', listed)
    assert place
    assert admin.post(place[1], {"reason": "leaked"}).status_code == 303
    assert admin.http.get("/v1/accounts", headers=headers).status_code == 401
    with deps.sessions() as session:
        acts = session.scalars(
            select(AuditEntry).where(AuditEntry.action.startswith("key.")).order_by(AuditEntry.seq)
        ).all()
    assert [(act.action, act.reason) for act in acts] == [("key.create", None), ("key.revoke", "leaked")]
    assert match[1] not in str([act.detail for act in acts])


def test_keys_page_shows_scopes_networks_last_use_and_the_end_after_a_year(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    admin, accounts = signed_in("admin"), make_accounts("elbe")
    form = {
        "name": "theirs",
        "scope-read": "1",
        "narrowed": "enqueue:vps.* work:vps.*",
        "account": str(accounts.client),
    }
    made = admin.post("/console/keys", {**form, "from": "127.0.0.0/8, 10.0.0.0/8", "rate": "70"})
    with deps.sessions() as session:
        key = session.scalars(select(ApiKey).where(ApiKey.name == "theirs")).one()
        key.last_used_at = deps.clock.wall_time()
        session.commit()
    assert key.expires_at == deps.clock.wall_time() + LIFETIME
    assert str(key.created_by).startswith("operator:")
    assert "read, enqueue:vps.*, work:vps.*, decide" in made.text
    text = admin.get("/console/keys").text
    assert "127.0.0.0/8, 10.0.0.0/8" in text
    assert "70 requests a second" in text
    assert key.last_used_at.strftime("%Y-%m-%dT%H:%M") in text


def test_programme_page_shows_the_applied_source(
    signed_in: As, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    make_accounts("elbe")
    admin = signed_in("admin")
    assert "learning" in admin.get("/console/programmes").text
    assert "data-protection" in admin.get("/console/programmes/learning").text
    assert admin.http.get("/console/programmes/none").status_code == 404


def test_file_is_planned_compared_and_applied_with_a_reason_from_the_console(
    signed_in: As, make_accounts: Callable[[str], ResellerAccounts], deps: Deps
) -> None:
    make_accounts("elbe")
    admin, place = signed_in("admin"), "/console/programmes/learning"
    source = (EXAMPLES / "learning.yaml").read_text().replace("expire_after_days: 30", "expire_after_days: 20")
    seen = admin.fields(place)["seen"]
    broken = admin.post(place, {"seen": seen, "source": source.replace("currency: EUR", "currency: EUX")})
    assert broken.status_code == 422
    assert "EUX" in broken.text
    planned = admin.post(place, {"seen": seen, "source": source})
    assert "~ offers.expire_after_days: 30 -&gt; 20" in planned.text
    approve = re.search(r'name="approve" value="([0-9a-f]{64})"', planned.text)
    assert approve is not None
    sent = {"seen": seen, "source": source, "approve": approve[1], "reason": "shorter"}
    assert admin.post(place, {**sent, "reason": " "}).status_code == 422
    assert admin.post(place, {**sent, "approve": "0" * 64}).status_code == 422
    applied = admin.post(place, sent)
    assert "Applied as version 2." in applied.text
    compared = admin.get(f"{place}?version=2&against=1").text
    assert "~ offers.expire_after_days: 30 -&gt; 20" in compared
    assert admin.http.get(f"{place}?version=9").status_code == 404
    with deps.sessions() as session:
        entries = select(AuditEntry).where(AuditEntry.action == "programme.apply").order_by(AuditEntry.seq)
        entry = session.scalars(entries).all()[-1]
        assert (entry.reason, entry.target) == ("shorter", "learning")


def test_audit_log_is_exported_completely_and_without_formulas(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        actor = Actor("test", reason='=HYPERLINK("http://evil.example")')
        for number in range(2_500):
            audit.record(session, actor, "test.act", f"thing:{number}", at=deps.clock.now())
        session.commit()
    answer = signed_in("viewer").http.get("/console/audit.csv?action=test.")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 2_500
    assert rows[0]["to"] == "thing:2499"
    assert {row["why"][:2] for row in rows} == {"'="}
