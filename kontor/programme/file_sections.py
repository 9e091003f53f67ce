"""The sections of a programme file that have forms: their fields, by the programme, and what their lists show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kontor.kernel.states import Renewal, ServiceVerb
from kontor.programme.display_names import CONSOLE_LOCALE
from kontor.programme.file_fields import FileField, FileFieldKind, names_fields
from kontor.programme.model import ManagedBy, ProductKind, Programme, TurnoverDiscount
from kontor.programme.yaml_nodes import Entries, ItemList, Node, Scalar
from kontor.programme.yaml_spans import Path
from kontor.ui.formatting import term

TERMS: Final = ("P30D", "P1M", "P2M", "P3M", "P6M", "P1Y", "P2Y", "P3Y")
GRACES: Final = ("P1D", "P2D", "P3D", "P5D", "P7D", "P10D", "P14D", "P21D", "P29D")
RENEWALS: Final[Mapping[Renewal, str]] = {
    Renewal.AUTO: "by itself, one day before the end",
    Renewal.NONE: "never: it ends",
}


@dataclass(frozen=True, slots=True)
class FileSection:
    """A part of the file with an entry for each code, or for each place in a list (tiers, which have names).

    `main`: the field beside which errors of the entry as a whole stand. `columns`: the keys that its list shows.
    """

    slug: str
    title: str
    singular: str
    path: Path
    fields: Callable[[Programme], Sequence[FileField]]
    main: str
    columns: Sequence[str]
    intro: str
    is_list: bool = False

    @property
    def place(self) -> str:
        """The path as errors name it."""
        return ".".join(map(str, self.path))

    def entries(self, root: Node) -> dict[str, Node]:
        """Return the entries of a file, in its order, by code or name."""
        node = self.holder(root)
        if isinstance(node, Entries):
            return {key.text: value for key, value in node.pairs if isinstance(key, Scalar)}
        if isinstance(node, ItemList):
            return {_name_of(each): each for each in node.items}
        return {}

    def holder(self, root: Node) -> Node | None:
        """Return the mapping or list that has the entries."""
        node: Node | None = root
        for step in self.path:
            pairs = node.pairs if isinstance(node, Entries) else ()
            node = next((value for key, value in pairs if isinstance(key, Scalar) and key.text == step), None)
        return node

    def path_of(self, root: Node, entry: str) -> tuple[Path, str]:
        """Return where an entry stands, or a new one will, and the same as errors name it."""
        if not self.is_list:
            return (*self.path, entry), f"{self.place}.{entry}"
        names = list(self.entries(root))
        position = names.index(entry) if entry in names else len(names)
        return (*self.path, position), f"{self.place}[{position}]"


def _name_of(item: Node) -> str:
    pairs = item.pairs if isinstance(item, Entries) else ()
    return next((value.text for key, value in pairs if _is_name(key) and isinstance(value, Scalar)), "")


def _is_name(key: Node) -> bool:
    return isinstance(key, Scalar) and key.text == "name"


def term_words(text: str) -> str:
    """Return a duration in words; a text that is none as it is."""
    try:
        return term(text) or text
    except ValueError:
        return text


def _money(programme: Programme, name: str, label: str, hint: str = "", *, required: bool = False) -> FileField:
    return FileField(name, label, FileFieldKind.MONEY, required, hint=hint, unit=programme.currency)


def _plan(programme: Programme) -> Sequence[FileField]:
    limits = (
        FileField(
            f"limits.{metric}", f"Limit of {programme.metric_name(metric, CONSOLE_LOCALE)}", FileFieldKind.NUMBER,
            hint=f"Metric {metric}: a whole number, or unlimited, as it also is when this is empty.",
        )
        for metric in programme.metrics
    )  # fmt: skip
    return (
        FileField("name", "Name"),
        *names_fields(),
        _money(programme, "price", "Price a month", "Empty for the free plan, which one plan has to be."),
        FileField("features", "Features", FileFieldKind.CODES, hint="Codes with commas between, such as no_ads, sync."),
        *limits,
    )


def _product(programme: Programme) -> Sequence[FileField]:
    return (
        FileField("name", "Name", required=True),
        *names_fields(),
        FileField(
            "kind", "Kind", FileFieldKind.CHOICE, options=(("", "Add-on"), (ProductKind.MAIN, "Main product")),
            default=ProductKind.ADDON,
        ),
        FileField("requires_main", "Only for accounts with a main product", FileFieldKind.FLAG),
        _family(programme),
        _money(programme, "price", "Price of one, for orders"),
        *_fees(programme),
        *_managed(),
        *_service(),
    )  # fmt: skip


def _family(programme: Programme) -> FileField:
    discount = programme.discount
    if not isinstance(discount, TurnoverDiscount):
        return FileField("family", "Family", FileFieldKind.CODE)
    families = tuple((code, programme.family_name(code, CONSOLE_LOCALE)) for code in discount.families)
    return FileField("family", "Family", FileFieldKind.CHOICE, options=(("", "None: not discounted"), *families))


def _fees(programme: Programme) -> Sequence[FileField]:
    none = ("", "None")
    retail = ((code, f"{each.name}, {each.fee}") for code, each in programme.account_subscriptions.items())
    wholesale = ((code, f"{each.name}, {each.fee}") for code, each in programme.reseller_subscriptions.items())
    return (
        FileField("account_subscription", "Account subscription", FileFieldKind.CHOICE, options=(none, *retail),
                  hint="Both subscriptions, or neither."),
        FileField("reseller_subscription", "Reseller subscription", FileFieldKind.CHOICE, options=(none, *wholesale)),
        FileField("shared", "Shared: resellers see and assign it", FileFieldKind.FLAG),
    )  # fmt: skip


def _managed() -> Sequence[FileField]:
    choices = (("", "The provider"), (ManagedBy.RESELLER.value, "A reseller"))
    return (
        FileField("managed_by", "Managed by", FileFieldKind.CHOICE, options=choices, default=ManagedBy.ADMIN),
        FileField("reseller", "Reseller that manages it", hint="The id or external id of its account."),
    )


def _service() -> Sequence[FileField]:
    durations = tuple((each, term_words(each)) for each in TERMS)
    graces = tuple((each, term_words(each)) for each in GRACES)
    renewals = (("", "when its reseller renews it"), *((each.value, words) for each, words in RENEWALS.items()))
    tasks = (FileField(f"provisioning.{verb}", f"Task type to {verb}", FileFieldKind.CODE) for verb in ServiceVerb)
    return (
        FileField("terms", "Licence terms it is offered for", FileFieldKind.CHECKS, options=durations,
                  hint="None ticked: any.", words=term_words),
        FileField("term", "Term of a service", FileFieldKind.CHOICE, options=(("", "No end"), *durations),
                  words=term_words),
        FileField("renewal", "Renewed", FileFieldKind.CHOICE, options=renewals, default=Renewal.MANUAL),
        FileField("grace", "Days of grace after the end", FileFieldKind.CHOICE, options=(("", "None"), *graces),
                  words=term_words),
        *tasks,
        FileField("config", "Config of an order, as JSON Schema", FileFieldKind.JSON),
    )  # fmt: skip


def _account_subscription(programme: Programme) -> Sequence[FileField]:
    return (
        FileField("name", "Name"),
        _money(programme, "fee", "Retail fee a month, recommended", required=True),
        FileField("shared", "Shared: resellers may use it", FileFieldKind.FLAG),
    )


def _reseller_subscription(programme: Programme) -> Sequence[FileField]:
    return (
        FileField("name", "Name"),
        _money(programme, "fee", "Wholesale fee a month", required=True),
        FileField("multiple", "Can be applied to more than one client account", FileFieldKind.FLAG),
    )


def _tier(programme: Programme) -> Sequence[FileField]:
    discount = programme.discount
    families = discount.families if isinstance(discount, TurnoverDiscount) else ()
    return (
        FileField("name", "Name", required=True),
        *names_fields(),
        FileField("from", "From a month's payments of", FileFieldKind.NUMBER, required=True, unit=programme.currency),
        *(
            FileField(f"percent.{code}", programme.family_name(code, CONSOLE_LOCALE), FileFieldKind.NUMBER,
                      required=True, unit="%")
            for code in families
        ),
    )  # fmt: skip


def _promotion(programme: Programme) -> Sequence[FileField]:
    products = tuple((code, each.name_in(CONSOLE_LOCALE)) for code, each in programme.products.items())
    return (
        FileField("percent", "Per cent off", FileFieldKind.NUMBER, required=True, unit="%"),
        FileField("products", "Products", FileFieldKind.CHECKS, options=products, hint="None ticked: all."),
        FileField("from", "First day", FileFieldKind.DAY),
        FileField("until", "Last day, included", FileFieldKind.DAY),
    )


SECTIONS: Final = (
    FileSection("plans", "Plans", "plan", ("plans",), _plan, "price",
                ("name", "price", "limits", "features"),
                "Every account starts on the plan without a price."),
    FileSection("products", "Products", "product", ("products",), _product, "account_subscription",
                ("name", "family", "price", "account_subscription", "reseller_subscription", "managed_by", "term"),
                "What can be offered, licensed, ordered and charged monthly."),
    FileSection("account-subscriptions", "Account subscriptions", "account subscription",
                ("subscriptions", "account"), _account_subscription, "fee",
                ("name", "fee", "shared"),
                "Monthly retail fees that are recommended for client accounts."),
    FileSection("reseller-subscriptions", "Reseller subscriptions", "reseller subscription",
                ("subscriptions", "reseller"), _reseller_subscription, "fee",
                ("name", "fee", "multiple"),
                "Monthly wholesale fees that resellers are charged for each client account."),
    FileSection("tiers", "Tiers", "tier", ("discount", "tiers"), _tier, "from",
                ("from", "percent"),
                "Resellers are discounted by the last tier that a month's payments reach.", is_list=True),
    FileSection("promo-codes", "Promo codes", "promo code", ("promo_codes",), _promotion, "percent",
                ("percent", "products", "from", "until"),
                "Typed with an order, in whatever case."),
    FileSection("campaigns", "Campaigns", "campaign", ("campaigns",), _promotion, "percent",
                ("percent", "products", "from", "until"),
                "Promotions that need no code."),
)  # fmt: skip
