"""Documents of limits."""

from kontor.http.wire import ResponseModel, UtcOut
from kontor.kernel.limits import spoken
from kontor.limits.service import LimitView


class OverrideOut(ResponseModel):
    """A value that replaces the default; `subject` is the id of a reseller or key, null for all."""

    subject: str | None
    value: int
    set_by: str
    set_at: UtcOut


class BusiestOut(ResponseModel):
    """Who uses the most of a limit now; an address is shown as its digest."""

    subject: str
    count: int


class LimitOut(ResponseModel):
    """A limit. `window` null: counts what exists at once."""

    name: str
    what: str
    value: int
    default: int
    window: str | None
    per: str
    beyond: str
    overrides: list[OverrideOut]
    busiest: BusiestOut | None


def limit_out(view: LimitView) -> LimitOut:
    """Return a limit as operators see it."""
    limit = view.limit
    overrides = [OverrideOut.model_validate(each, from_attributes=True) for each in view.overrides]
    return LimitOut(
        name=limit.name,
        what=limit.what,
        value=view.value,
        default=limit.default,
        window=None if limit.window is None else spoken(limit.window),
        per=limit.counts.value,
        beyond=limit.beyond.value,
        overrides=overrides,
        busiest=None if view.busiest is None else BusiestOut(subject=view.busiest[0], count=view.busiest[1]),
    )
