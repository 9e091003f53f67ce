"""Checks for missing records and jobs: one statement per kind of gap, so that each uses one snapshot.

Every statement returns (subject, facts, mend): `facts` fill the gap's description, `mend` is the job that
would repair it. Pending work of a live job (neither finished nor dead) is not a gap: a clock that jumped or
a paused queue makes work late, not missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.reconciliation import GapKind
from store.reconciliation import checks_of_mail, checks_of_money

TRIAL_END: Final = """
SELECT a.id::text, jsonb_build_object('account', a.name, 'at', a.trial_ends_at),
    jsonb_build_object('task', 'trials.end', 'args', jsonb_build_object('account_id', a.id),
        'tenant', coalesce(a.reseller_id::text, ''), 'run_at', a.trial_ends_at)
FROM accounts a
WHERE a.trial_state = 'running' AND a.purged_at IS NULL AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'trials.end' AND j.state <> 'dead' AND j.payload->>'account_id' = a.id::text)
ORDER BY a.trial_ends_at LIMIT :limit
"""

OFFER_DELIVERY: Final = """
SELECT o.id::text, jsonb_build_object('account', a.name, 'error', coalesce(o.delivery_error, 'none')),
    jsonb_build_object('task', 'offers.deliver', 'args', jsonb_build_object('offer_id', o.id),
        'tenant', o.reseller_id::text, 'lane', 'instance:' || o.account_id, 'retry', d.id)
FROM offers o JOIN accounts a ON a.id = o.account_id
    LEFT JOIN jobs j ON j.id = o.delivery_job_id AND j.state <> 'dead'
    LEFT JOIN jobs d ON d.id = o.delivery_job_id AND d.state = 'dead'
WHERE o.state = 'waiting' AND o.expires_at > :now AND j.id IS NULL
ORDER BY o.id LIMIT :limit
"""

OFFER_EXPIRY: Final = """
SELECT o.id::text, jsonb_build_object('account', a.name, 'at', o.expires_at),
    jsonb_build_object('task', 'offers.expire', 'args', jsonb_build_object('offer_id', o.id),
        'tenant', o.reseller_id::text, 'run_at', o.expires_at)
FROM offers o JOIN accounts a ON a.id = o.account_id
WHERE o.state IN ('waiting', 'waiting_for_confirmation') AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'offers.expire' AND j.state <> 'dead' AND j.payload->>'offer_id' = o.id::text)
ORDER BY o.id LIMIT :limit
"""

STATEMENTS: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: TRIAL_END,
        GapKind.QUOTA_MAIL: checks_of_mail.QUOTA_MAIL,
        GapKind.QUOTA_DIGEST: checks_of_mail.QUOTA_DIGEST,
        GapKind.CHARGE_DUE: checks_of_money.CHARGE_DUE,
        GapKind.CHARGE_GONE: checks_of_money.CHARGE_GONE,
        GapKind.OFFER_DELIVERY: OFFER_DELIVERY,
        GapKind.OFFER_EXPIRY: OFFER_EXPIRY,
        GapKind.MAIL_UNSENT: checks_of_mail.MAIL_UNSENT,
        GapKind.MAIL_GONE: checks_of_mail.MAIL_GONE,
        GapKind.DISCOUNT_RUN: checks_of_money.DISCOUNT_RUN,
        GapKind.DISCOUNT: checks_of_money.DISCOUNT,
    }
)
"""Every kind except occurrences, whose slots are computed from the cron expression."""
