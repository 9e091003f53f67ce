"""Every form by which operators do what resellers and their clients do themselves (portal.md 5)."""

from typing import Final

from kontor.accounts.account_forms import MERGE, NEW_ACCOUNT
from kontor.accounts.setting_forms import BRAND, INSTANCE
from kontor.offers.send_form import SEND
from kontor.orders.order_form import ORDER
from kontor.payments.entry_form import RECORD
from kontor.ui.operator_forms import OperatorForm

ENTRY_FORMS: Final[tuple[OperatorForm, ...]] = (NEW_ACCOUNT, MERGE, BRAND, INSTANCE, SEND, ORDER, RECORD)
