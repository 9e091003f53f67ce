"""Routes of usage reports and trials."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from kontor.accounts.schemas import UsageOut
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.states import ReportKind
from kontor.usage import quotas, trials
from kontor.usage.service import NewUsageReport
from models.keys import Scope

routes = Routes("accounts")
REPORT = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, unbound_only=True)


class UsageReportIn(RequestModel):
    """A usage report: either `value`, an absolute level of 0 or more, or `delta`, added to the period of `at`."""

    metric: str = Field(max_length=200)
    value: int | None = None
    delta: int | None = None
    at: UtcIn
    report_id: str | None = None

    @model_validator(mode="after")
    def check_value_or_delta(self) -> Self:
        """Require exactly one of `value` and `delta`."""
        if (self.value is None) == (self.delta is None):
            raise ValueError("give either value or delta")
        return self

    def to_report(self) -> NewUsageReport:
        """Return the report for the service."""
        if self.value is not None:
            return NewUsageReport(self.metric, ReportKind.VALUE, self.value, self.at, self.report_id)
        return NewUsageReport(self.metric, ReportKind.DELTA, self.delta or 0, self.at, self.report_id)


class ReportedUsageOut(UsageOut):
    """The metric after the report; `repeated`: its `report_id` is known, nothing changed."""

    metric: str
    repeated: bool


@routes.post("/v1/accounts/{account_id}/usage", REPORT, response=ReportedUsageOut, status=202, audited=False)
def report_usage(ctx: Ctx, account_id: UUID, body: UsageReportIn) -> ReportedUsageOut:
    """Report usage; reports may be late, repeated or out of order. 409 `account_deleted`."""
    result = quotas.receive_report(ctx.context, ctx.session, account_id, body.to_report())
    return ReportedUsageOut(metric=result.metric, value=result.value, limit=result.limit, repeated=result.repeated)


trial_routes = Routes("accounts")
START = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account)


class StartedTrialOut(ResponseModel):
    """A running trial; its end is exclusive."""

    ends_at: UtcOut | None


@trial_routes.post("/v1/accounts/{account_id}/trial", START, response=StartedTrialOut, status=201)
def start_trial(ctx: Ctx, account_id: UUID) -> StartedTrialOut:
    """Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`."""
    account = trials.start(ctx.context, ctx.session, account_id)
    return StartedTrialOut(ends_at=account.trial_ends_at)
