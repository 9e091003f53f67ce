"""Usage reports of the system that counts."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from api import owners
from api.account_docs import UsageDoc
from api.call import Access, Here
from api.routes import Routes
from api.schema import Incoming, Instant
from domain.usage import ReportKind
from models.keys import Scope
from services import usage_reports
from services.usage import UsageReport

routes = Routes("accounts")
REPORT = Access(Scope.ENQUEUE, "account_id", owners.account, unbound_only=True)


class NewReport(Incoming):
    """Either `value`, a level of 0 or more, or `delta`, which adds to the period of `at`."""

    metric: str = Field(max_length=200)
    value: int | None = None
    delta: int | None = None
    at: Instant
    report_id: str | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Neither and both are refused."""
        if (self.value is None) == (self.delta is None):
            raise ValueError("give either value or delta")
        return self

    def told(self) -> UsageReport:
        """The report as it is kept."""
        if self.value is not None:
            return UsageReport(self.metric, ReportKind.VALUE, self.value, self.at, self.report_id)
        return UsageReport(self.metric, ReportKind.DELTA, self.delta or 0, self.at, self.report_id)


class ReportedDoc(UsageDoc):
    """The metric after the report; `repeated`: its `report_id` was seen before, nothing changed."""

    metric: str
    repeated: bool


@routes.post("/v1/accounts/{account_id}/usage", REPORT, answer=ReportedDoc, status=202)
def report_usage(call: Here, account_id: UUID, body: NewReport) -> ReportedDoc:
    """Report what was used; late, repeated and out of order is fine. 409 `account_deleted`."""
    found = usage_reports.report(call.accounts, call.session, account_id, body.told())
    return ReportedDoc(metric=found.metric, value=found.value, limit=found.limit, repeated=found.repeated)
