"""Forms of operators about accounts: a new one, one connected to a reseller, the merge of two resellers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.accounts import clients, merge, reseller_status, service
from kontor.accounts.clients import NewClient
from kontor.accounts.merge import MergeReport
from kontor.accounts.service import NewAccount
from kontor.kernel.errors import FieldError, Invalid
from kontor.programme import service as programmes
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm, account_typed
from models.accounts import Account, AccountKind, Party, SetBy

BASE_PATH: Final = "/console/accounts"
KINDS: Final = (
    (AccountKind.REGULAR.value, "regular account"),
    (AccountKind.RESELLER.value, "reseller, on the current terms"),
    (AccountKind.CLIENT.value, "client of the reseller below"),
)
LANGUAGES: Final = (("", "as the programme or reseller"), *texts.LANGUAGES.items())


def _new_fields(request: ConsoleRequest) -> Sequence[FormField]:
    codes = [row.code for row in programmes.list_programmes(request.session)]
    shown = formatting.display_names(request, codes)
    return (
        FormField("programme", "Programme", options=[(code, shown[code].programme.name) for code in codes]),
        FormField("kind", "Kind", options=KINDS),
        FormField("reseller", "Reseller (name or id)", required=False, hint="For a client alone."),
        FormField("name", "Name"),
        FormField("admin_email", "Admin's email address", hint="A client's admin is mailed an activation link."),
        FormField("party", "Party", options=[(party.value, party.value) for party in Party]),
        FormField("locale", "Language", options=LANGUAGES, required=False),
        FormField("timezone", "Time zone, such as Europe/Berlin", required=False),
    )


def _create(request: ConsoleRequest, _reason: str) -> FormResult:
    form = {name: text.strip() for name, text in request.incoming.form.items()}
    locale, timezone = form.get("locale") or None, form.get("timezone") or None
    if form.get("kind") == AccountKind.CLIENT:
        account = _client(request, form["name"], form["admin_email"], locale, timezone)
    else:
        party = form.get("party") or None
        new = NewAccount(form["programme"], form["name"], form["admin_email"], None, party, locale, timezone)
        account = service.create(request.context, request.session, new)
    if form.get("kind") == AccountKind.RESELLER:
        reseller_status.become_reseller(request.context, request.session, account.id)
    return FormResult(f"{BASE_PATH}/{account.id}?done=created")


def _client(request: ConsoleRequest, name: str, email: str, locale: str | None, timezone: str | None) -> Account:
    reseller = service.get(request.session, account_typed(request, "reseller"))
    if reseller.programme != request.incoming.form.get("programme"):
        raise Invalid(errors=[FieldError("reseller", "This reseller belongs to another programme.")])
    new = NewClient(name, email, locale, timezone)
    return clients.create(request.context, request.session, reseller.id, new, SetBy.OPERATOR)


NEW_ACCOUNT: Final = OperatorForm(
    f"{BASE_PATH}/new",
    "account.create",
    "New account",
    "Create",
    _new_fields,
    _create,
    BASE_PATH,
    beside={"name_taken": "name", "not_a_reseller": "reseller", "party_refused": "party"},
)


def _connect_fields(_request: ConsoleRequest) -> Sequence[FormField]:
    return (FormField("reseller", "The reseller whose client it becomes (name or id)"),)


def _connect_preview(request: ConsoleRequest) -> Sequence[str]:
    """Say what connecting an account does. Raises as `clients.connect_by_operator`."""
    account = _connected(request)
    reseller = service.get(request.session, account_typed(request, "reseller"))
    return [
        f"{account.name} becomes a client of {reseller.name}, who can log in to it and pays for its plan from then on.",
        f"Its own brand is removed. {account.admin_email} gets an email about it.",
    ]


def _connect(request: ConsoleRequest, _reason: str) -> FormResult:
    return FormResult(f"{BASE_PATH}/{_connected(request).id}?done=connected")


def _connected(request: ConsoleRequest) -> Account:
    account_id, reseller_id = request.incoming.uuid("account_id"), account_typed(request, "reseller")
    return clients.connect_by_operator(request.context, request.session, reseller_id, account_id)


CONNECT: Final = OperatorForm(
    f"{BASE_PATH}/{{account_id}}/connect",
    "account.connect",
    "Connect an account to a reseller",
    "Connect",
    _connect_fields,
    _connect,
    f"{BASE_PATH}/{{account_id}}",
    preview=_connect_preview,
    beside={"programme_mismatch": "reseller", "not_a_reseller": "reseller"},
    intro="Only with the consent of the account's owner: the reseller can do nearly everything in it.",
    grave=True,
)


def _merge_fields(_request: ConsoleRequest) -> Sequence[FormField]:
    return (FormField("into", "The reseller that gets everything (name or id)"),)


def _merge_report(request: ConsoleRequest) -> MergeReport:
    into = account_typed(request, "into")
    return merge.preview(request.context, request.session, request.incoming.uuid("reseller_id"), into)


def _merge_preview(request: ConsoleRequest) -> Sequence[str]:
    """Say what a merge would move. Raises as `merge.preview`, and Conflict(`conflicts`)."""
    report = _merge_report(request)
    merge.require_no_conflicts(report)
    old, new = (service.get(request.session, each) for each in (report.reseller_id, report.into))
    moved = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.counts.items() if count)
    tiers = [tier or "no tier" for tier in (report.tier_before, report.tier_after)]
    return [
        f"{old.name} is merged into {new.name}, for good. {old.name} stays as a regular account.",
        f"Moved: {moved or 'nothing'}.",
        f"Turnover of {new.name}: {report.turnover_before}, then {report.turnover_after} ({' → '.join(tiers)}).",
        *(f"Template “{name}” is renamed to “{other}”." for name, other in report.clashes.items()),
        *(f"The programme file still names {old.name} for {code}." for code in report.managed_products),
    ]


def _merge(request: ConsoleRequest, reason: str) -> FormResult:
    report = _merge_report(request)
    merge.require_no_conflicts(report)
    actor = request.actor(reason).name
    job = merge.enqueue(request.context, request.session, report.reseller_id, report.into, actor)
    return FormResult(f"/console/jobs/{job}?done=merge")


MERGE: Final = OperatorForm(
    "/console/resellers/{reseller_id}/merge",
    "reseller.merge",
    "Merge a reseller into another",
    "Merge",
    _merge_fields,
    _merge,
    f"{BASE_PATH}/{{reseller_id}}",
    preview=_merge_preview,
    beside={"programme_mismatch": "into", "not_a_reseller": "into", "account_deleted": "into"},
    grave=True,
)
