"""Settings, Limits: each limit with its use and overrides; admins set them."""

from collections.abc import Callable

from kontor.http.context import Deps
from kontor.kernel.limits import CLIENTS, LIMITS
from kontor.limits import service as limits
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient

As = Callable[[str], ConsoleClient]


def test_page_shows_every_limit_and_sets_one_for_a_reseller(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    admin, reseller = signed_in("admin"), make_accounts("elbe").reseller
    page = admin.get("/console/limits").text
    assert [f'id="l-{limit.name}"' in page for limit in LIMITS] == [True] * len(LIMITS)
    saved = admin.post("/console/limits", {"name": "clients", "value": "7", "subject": str(reseller)})
    assert (saved.status_code, "elbe: 7" in saved.text) == (200, True)
    with deps.sessions() as session:
        assert limits.allowed(session, CLIENTS, reseller) == 7


def test_value_or_subject_that_is_none_is_refused(signed_in: As) -> None:
    admin = signed_in("admin")
    for form in (
        {"name": "clients", "value": "many"},
        {"name": "clients", "value": "7", "subject": "elbe"},
        {"name": "nothing", "value": "7"},
        {"name": "names_at_once", "value": "7"},
    ):
        assert admin.post("/console/limits", form).status_code == 422, form
