"""Registry of all mails."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kontor.mailer import account_mails, money_mails, staff_mails, trade_mails, usage_mails
from kontor.mailer.kinds import MailKind

KINDS: Final = (*account_mails.KINDS, *usage_mails.KINDS, *staff_mails.KINDS, *trade_mails.KINDS, *money_mails.KINDS)
MAIL_KINDS: Final[Mapping[str, MailKind]] = MappingProxyType({kind.name: kind for kind in KINDS})
