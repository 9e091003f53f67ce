"""Files that are refused because of what exists: accounts on a plan, products in use, money in a currency."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from kontor.fees import queries as fees_queries
from kontor.kernel.errors import Conflict
from kontor.programme import service
from kontor.programme.model import Programme
from kontor.programme.reader import FieldReader
from kontor.programme.yaml_nodes import ProgrammeError, parse_yaml
from models.fees import FeeKind

AT_ONCE: Final = "a version that begins later cannot do this, because accounts may use it until then: apply it at once"


def require_unused(session: Session, code: str, before: Programme, after: Programme) -> None:
    """Refuse to remove plans and monthly products in use, or to change the currency once there is money.

    Raises Conflict(`plan_in_use`, `product_in_use`, `currency_in_use`).
    """
    if before.currency != after.currency and service.has_postings(session, code):
        message = f"Amounts are recorded in {before.currency} and are not converted: keep the currency."
        raise Conflict("currency_in_use", message, currency=before.currency)
    removed_plans = set(before.plans) - set(after.plans)
    plans_in_use = (
        {
            *service.plans_in_use(session, code, removed_plans),
            *fees_queries.in_use(session, code, FeeKind.PLAN, removed_plans),
        }
        if removed_plans
        else set()
    )
    if plans_in_use:
        message = f"Accounts are on the plan(s) {', '.join(sorted(plans_in_use))}: keep them in the file."
        raise Conflict("plan_in_use", message, plans=sorted(plans_in_use))
    removed_products = monthly(before) - monthly(after)
    products_in_use = fees_queries.in_use(session, code, FeeKind.PRODUCT, removed_products) if removed_products else []
    if products_in_use:
        message = f"Accounts have the product(s) {', '.join(products_in_use)} for a monthly fee: keep them in the file."
        raise Conflict("product_in_use", message, products=products_in_use)


def free_plan_changed(
    session: Session, code: str, text: str, before: Programme, after: Programme
) -> list[ProgrammeError]:
    """Return an error at its line if another plan would become the free one under accounts (programme.md 4.1)."""
    old, new = before.free_plan.code, after.free_plan.code
    if old == new:
        return []
    errors: list[ProgrammeError] = []
    plans = FieldReader(parse_yaml(text), "", errors).child("plans")
    for plan in service.plans_in_use(session, code, {old, new}):
        reason = (
            "accounts are on this plan for nothing: it cannot get a price; give the price to a new plan"
            if plan == old
            else "accounts pay for this plan: it cannot become the free one"
        )
        (plans.child(plan).child("price") if plan == old else plans.key_of(plan)).add_error(reason)
    return errors


def removed_later(text: str, before: Programme, after: Programme) -> list[ProgrammeError]:
    """Return an error for each change of a later version that nobody could check when it begins."""
    errors: list[ProgrammeError] = []
    root = FieldReader(parse_yaml(text), "", errors)
    for change in taken_away(before, after):
        root.child(change.partition(" ")[0]).add_error(f"{change}: {AT_ONCE}")
    return errors


def taken_away(before: Programme, after: Programme) -> list[str]:
    """Return what accounts could still use in one version and not in the next, each as `section what`."""
    gone = [f"currency {before.currency} is replaced"] if before.currency != after.currency else []
    gone += [f"plans {plan} is removed" for plan in sorted(set(before.plans) - set(after.plans))]
    if before.free_plan.code != after.free_plan.code and before.free_plan.code in after.plans:
        gone.append(f"plans {before.free_plan.code} gets a price")
    return gone + [f"products {product} is no longer monthly" for product in sorted(monthly(before) - monthly(after))]


def monthly(programme: Programme) -> set[str]:
    """Return the products that are charged monthly."""
    return {product.code for product in programme.products.values() if product.recurring}
