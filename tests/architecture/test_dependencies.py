"""Imports: no cycles, no foreign queries, nothing unused."""

from devtools.source import module_name, product
from tests.support.imports import bindings, cycles, module_imports, unused

FOREIGN_QUERIES = {
    "kontor.accounts.console -> kontor.discounts.queries",
    "kontor.accounts.console -> kontor.fees.queries",
    "kontor.accounts.instances -> kontor.offers.queries",
    "kontor.accounts.merge_queries -> kontor.fees.queries",
    "kontor.accounts.queries -> kontor.usage.queries",
    "kontor.bulk.dry_run -> kontor.mails.queries",
    "kontor.discounts.explain -> kontor.payments.queries",
    "kontor.discounts.notifications -> kontor.offers.queries",
    "kontor.discounts.notifications -> kontor.payments.queries",
    "kontor.discounts.record -> kontor.payments.queries",
    "kontor.mails.dispatch -> kontor.accounts.brand_queries",
    "kontor.mails.preview -> kontor.accounts.brand_queries",
    "kontor.mails.preview_console -> kontor.accounts.timeline_queries",
    "kontor.offers.console -> kontor.accounts.timeline_queries",
    "kontor.programme.refusals -> kontor.fees.queries",
}
"""Slices that still import the queries of another one. Remove lines; never add one."""
SLICES = {
    "accounts", "alerts", "bulk", "discounts", "fees", "jobs", "licences", "limits", "mails", "monitoring", "offers",
    "operators", "orders", "payments", "programme", "reconciliation", "usage", "webhooks",
}  # fmt: skip
USED_OUTSIDE = {
    "devtools.source.calls": "tests",
    "kontor.adapters.embedded.servers.embedded_servers": "benches",
    "kontor.adapters.fakes.FakeMailTransport": "tests and task packages",
    "kontor.discounts.rules.price_charge": "the documented rule; charges are priced in SQL, which a test compares",
    "kontor.engine.testing.InlineWorker": "tests and benches",
    "kontor.offers.decisions.require_open": "tests",
    "kontor.usage.rules.usage_in_period": "the documented rule; usage is summed in SQL, which a test compares",
    "workers.migrations.is_compared": "migrations and tests",
}
"""What no module of the product uses, with its users."""


def test_no_function_or_class_is_unused() -> None:
    # SQL names tables, so a model needs no import.
    assert {name for name in unused() if not name.startswith("models.")} == USED_OUTSIDE.keys()


def test_module_level_imports_have_no_cycle() -> None:
    assert cycles({module_name(path): module_imports(path) for path in product()}) == []


def foreign_queries(module: str, imported: str) -> str | None:
    """Return the import as `module -> queries module` if a slice imports the queries of another slice."""
    own, target = module.split("."), imported.split(".")
    if len(own) < 3 or len(target) < 3 or own[0] != "kontor" or target[0] != "kontor":
        return None
    if not {own[1], target[1]} <= SLICES or own[1] == target[1] or not target[2].endswith("queries"):
        return None
    return f"{module} -> {'.'.join(target[:3])}"


def test_no_further_slice_imports_the_queries_of_another() -> None:
    imports = {
        line
        for path in product()
        for origins in bindings(path).values()
        for origin in origins
        if (line := foreign_queries(module_name(path), origin))
    }
    assert imports == FOREIGN_QUERIES
