"""Table of the rules of every kind of mail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kontor.accounts import activation
from kontor.alerts import service as alerts
from kontor.discounts import notifications as discounts_notifications
from kontor.fees import notifications as fees_notifications
from kontor.mails.service import MailRule
from kontor.offers import notifications as offers_notifications
from kontor.usage import notifications as usage_notifications

RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        **activation.MAIL_RULES,
        **alerts.MAIL_RULES,
        **offers_notifications.OFFER_RULES,
        **usage_notifications.TRIAL_RULES,
        **usage_notifications.QUOTA_RULES,
        **discounts_notifications.MAIL_RULES,
        **fees_notifications.MAIL_RULES,
    }
)
