"""Table of the rules of every kind of mail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services import activation, alerts, offer_mails, quota_mails, trial_mails
from services.discounts import news as discount_news
from services.fees import margins
from services.mails import MailRule

RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        **activation.MAIL_RULES,
        **alerts.MAIL_RULES,
        **offer_mails.RULES,
        **trial_mails.RULES,
        **quota_mails.RULES,
        **discount_news.RULES,
        **margins.MAIL_RULES,
    }
)
