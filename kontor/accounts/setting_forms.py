"""Forms of operators that set what belongs to an account: its connected system and its brand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kontor.accounts import brand_queries, brands, instances, service
from kontor.accounts.brands import BrandSettings
from kontor.kernel.errors import NotFound
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm
from models.accounts import Account, AccountKind, SetBy

BASE_PATH: Final = "/console/accounts"
BRANDED: Final = frozenset({AccountKind.RESELLER, AccountKind.CLIENT})
COLOURS: Final[Mapping[str, str]] = {"primary": "Main colour", "background": "Background", "text": "Text colour"}
SUPPORT: Final[Mapping[str, str]] = {
    "email": "Support: email address",
    "url": "Support: web address",
    "phone": "Support: phone",
    "text": "Support: further words",
}


def _account(request: ConsoleRequest) -> Account:
    account = service.get(request.session, request.incoming.uuid("account_id"))
    if account.deleted_at is not None:
        raise NotFound
    return account


def _instance_fields(request: ConsoleRequest) -> Sequence[FormField]:
    instance = instances.get(request.session, _account(request).id)
    return (FormField("url", "Address (https)", "url", value="" if instance is None else instance.url),)


async def _check_url(request: ConsoleRequest) -> None:
    """Check by DNS that the system may be called."""
    await request.deps.guard.check(request.incoming.form.get("url", ""), request.incoming.params["account_id"])


def _connect(request: ConsoleRequest, _reason: str) -> FormResult:
    account = _account(request)
    url = request.incoming.form["url"]
    saved = instances.put(request.session, request.deps.secret_box, account.id, url, None, request.now)
    values = {"account": account, "url": saved.url, "secret": saved.secret}
    page = TemplateResponse("instance_secret.html", "System connected", values, "accounts")
    return FormResult(f"{BASE_PATH}/{account.id}?done=instance", page)


INSTANCE: Final = OperatorForm(
    f"{BASE_PATH}/{{account_id}}/instance",
    "instance.put",
    "Connect a system",
    "Connect",
    _instance_fields,
    _connect,
    f"{BASE_PATH}/{{account_id}}",
    intro="Offers and licences of the account are sent there, signed with a new secret that is shown once. The secret"
    " in use also signs for 24 hours.",
    check=_check_url,
)


def _brand_fields(request: ConsoleRequest) -> Sequence[FormField]:
    account = _account(request)
    if account.kind not in BRANDED:
        raise NotFound
    former = BrandSettings.of(brand_queries.by_account(request.session, account.id))

    def optional(name: str, label: str, value: str | None, hint: str = "") -> FormField:
        return FormField(name, label, required=False, value=value or "", hint=hint)

    return (
        optional("name", "Name", former.name),
        optional("domain", "Domain of links and pages", former.domain, "In use once its DNS record was seen."),
        optional("from_address", "Sender address", former.from_address, "In use once its domain's record was seen."),
        *(optional(f"colours.{name}", label, former.colours.get(name)) for name, label in COLOURS.items()),
        *(optional(f"support.{name}", label, former.support.get(name)) for name, label in SUPPORT.items()),
    )


def _brand(request: ConsoleRequest, _reason: str) -> FormResult:
    account, session, form = _account(request), request.session, request.incoming.form
    former = BrandSettings.of(brand_queries.by_account(session, account.id))
    more = {name: value for name, value in former.colours.items() if name not in COLOURS}
    checked = brands.validate_brand(
        {
            "name": form.get("name", "").strip(),
            "domain": form.get("domain", "").strip(),
            "from_address": form.get("from_address", "").strip(),
            "colours": more | _group(form, "colours", COLOURS),
            "support": _group(form, "support", SUPPORT),
        }
    )
    settings = replace(checked, logo_url=former.logo_url, favicon_url=former.favicon_url)
    brands.require_own_name(request.context, session, account, settings.name)
    brands.change(request.context, session, account, settings, SetBy.OPERATOR)
    return FormResult(f"{BASE_PATH}/{account.id}?done=brand")


def _group(form: Mapping[str, str], group: str, names: Mapping[str, str]) -> dict[str, str]:
    typed = {name: form.get(f"{group}.{name}", "").strip() for name in names}
    return {name: text for name, text in typed.items() if text}


BRAND: Final = OperatorForm(
    f"{BASE_PATH}/{{account_id}}/brand",
    "brand.put",
    "Brand",
    "Save",
    _brand_fields,
    _brand,
    f"{BASE_PATH}/{{account_id}}",
    beside={"name_taken": "name", "colours": "colours.primary", "support": "support.email"},
    intro="Images are uploaded on the account's page and stay as they are.",
)
