"""The first page of an account: plan, usage, trial, licences; what is read-only and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kontor.fees import plans
from kontor.kernel.errors import Conflict, Forbidden, Invalid
from kontor.kernel.states import TrialState
from kontor.licences import service as licences
from kontor.mailer.formatting import language_of
from kontor.members import visits
from kontor.programme.model import Programme
from kontor.programme.service import name_of, products_of_others
from kontor.provisioning.client_portal import own_services
from kontor.ui.pages import N
from kontor.ui.portal_errors import CODES, refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from kontor.usage import service as usage
from kontor.usage import trials
from kontor.usage.rules import is_read_only

TITLE: Final = N("Your account")
INSIDE_TITLE: Final = N("Account “%(account)s”")
VISITS: Final = N("Visits by your reseller")
PLAN: Final = N("Change the plan")
DAY: Final = timedelta(days=1)
FULL: Final = 100


@dataclass(frozen=True, slots=True)
class Meter:
    """Usage of a metric; `limit` None: unlimited. `share`: of the bar, in percent, at most 100."""

    name: str
    value: int
    limit: int | None

    @property
    def share(self) -> int:
        """How much of the bar is filled."""
        return 0 if not self.limit else min(FULL, self.value * FULL // self.limit)

    @property
    def over(self) -> bool:
        """Whether the value is above the limit."""
        return self.limit is not None and self.value > self.limit


@dataclass(frozen=True, slots=True)
class ProductLicences:
    """Licences of a product, by its name, and when the next of them end."""

    product: str
    count: int
    expires_at: datetime | None


def show_account(request: PortalRequest) -> PortalResponse:
    """Show the account."""
    return _page(request)


def start_trial(request: PortalRequest) -> PortalResponse:
    """Start the account's only trial."""
    try:
        with request.session.begin_nested():
            trials.start(request.context, request.session, request.account.id)
    except Conflict as error:
        return refused(request, _page(request), error)
    return SeeOther(f"{request.base}/account?done=trial")


def change_plan(request: PortalRequest) -> PortalResponse:
    """Show the quote of a plan, then change it: for the reseller of a client alone. Raises Forbidden."""
    if request.client is None:
        raise Forbidden(message="Only the reseller changes the plan.")
    form, ctx, session = request.incoming.form, request.context, request.session
    plan = form.get("plan", "")
    try:
        with session.begin_nested():
            if form.get("confirm") == "1":
                plans.take_plan(ctx, session, request.account.id, plan)
                return SeeOther(f"{request.base}/account?done=plan")
            lines = plans.quote_plan(ctx, session, request.account.id, plan)
    except Invalid:
        page, why = _page(request), {"plan": CODES["unknown_plan"][1]}
        return PortalPage(page.template, page.title, page.values, 422, why, page="account")
    except Conflict as error:
        return refused(request, _page(request), error)
    values = {
        "plan": plan,
        "plan_name": _plan_name(_programme(request), plan, request.locale),
        "charge": lines.charge,
        "credit": lines.credit(request.person.account.id),
        "at": lines.at,
    }
    return PortalPage("plan.html", PLAN, values, page="account.plan")


def show_visits(request: PortalRequest) -> PortalResponse:
    """Show who of the reseller's people was in the account, when, and what they did."""
    values = {"visits": visits.of_account(request.session, request.account), "acts": visits.ACTS}
    return PortalPage("visits.html", VISITS, values)


def _programme(request: PortalRequest) -> Programme:
    return request.deps.programmes.current(request.session, request.account.programme)


def _page(request: PortalRequest) -> PortalPage:
    account, programme, now = request.account, _programme(request), request.now
    locale = language_of(request.locale)
    used = usage.current_values(request.session, request.deps.programmes, [account], now)[account.id]
    allowed, trial = usage.limits(account, programme, now), usage.trial_state(account, now)
    running = trial is TrialState.RUNNING and account.trial_ends_at is not None
    left = None if account.trial_ends_at is None else account.trial_ends_at - now
    values = {
        "plan_name": _plan_name(programme, account.plan, request.locale),
        "plans": _plans(request, programme),
        "meters": [Meter(programme.metric_name(code, locale), used.get(code, 0), allowed[code]) for code in allowed],
        "read_only": is_read_only(used, allowed),
        "trial": trial.value,
        "trial_ends_at": account.trial_ends_at if running else None,
        "days_left": -(-left // DAY) if running and left is not None else 0,
        "may_try": trials.may_start(account, programme, now),
        "seats": _seats(request, programme),
        "features": usage.features(account, programme, now),
        "services": own_services(request),
    }
    title = TITLE if request.own_view else INSIDE_TITLE
    return PortalPage("account.html", title, values, page="account")


def _plan_name(programme: Programme, code: str, locale: str) -> str:
    plan = programme.plans.get(code)
    return code if plan is None else plan.name_in(language_of(locale))


def _plans(request: PortalRequest, programme: Programme) -> list[tuple[str, str]]:
    """Return the plans that a reseller may choose for its client; nothing for the client."""
    if request.own_view:
        return []
    return [(code, _plan_name(programme, code, request.locale)) for code in programme.plans]


def _seats(request: PortalRequest, programme: Programme) -> Sequence[ProductLicences]:
    """Return the licences; a reseller inside sees none of products that others manage, a former one's among them."""
    hidden: set[str] = set()
    if request.client is not None:
        hidden = products_of_others(request.session, request.account.programme, request.person.account.id)
    return [
        ProductLicences(name_of(programme, each.product, request.locale), each.count, each.expires_at)
        for each in licences.balances(request.session, request.account.id, request.now)
        if each.product not in hidden
    ]
