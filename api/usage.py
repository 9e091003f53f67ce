"""Usage reports."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from api import owners
from api.account_docs import UsageOut
from api.call import Ctx, RoutePolicy
from api.routes import Routes
from api.schema import RequestModel, UtcIn
from domain.usage import ReportKind
from models.keys import Scope
from services import usage_reports
from services.usage import UsageReport

routes = Routes("accounts")
REPORT = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account, unbound_only=True)


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

    def to_report(self) -> UsageReport:
        """Return the report for the service."""
        if self.value is not None:
            return UsageReport(self.metric, ReportKind.VALUE, self.value, self.at, self.report_id)
        return UsageReport(self.metric, ReportKind.DELTA, self.delta or 0, self.at, self.report_id)


class ReportedUsageOut(UsageOut):
    """The metric after the report; `repeated`: its `report_id` is known, nothing changed."""

    metric: str
    repeated: bool


@routes.post("/v1/accounts/{account_id}/usage", REPORT, response=ReportedUsageOut, status=202)
def report_usage(ctx: Ctx, account_id: UUID, body: UsageReportIn) -> ReportedUsageOut:
    """Report usage; reports may be late, repeated or out of order. 409 `account_deleted`."""
    result = usage_reports.report(ctx.accounts, ctx.session, account_id, body.to_report())
    return ReportedUsageOut(metric=result.metric, value=result.value, limit=result.limit, repeated=result.repeated)
