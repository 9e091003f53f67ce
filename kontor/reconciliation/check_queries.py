"""Checks as queries: charges, discounts, mails and deliveries that should exist and do not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kontor.engine.dead_jobs import dead_jobs
from models.reconciliation import GapKind

QUOTA_MAIL: Final = """
SELECT n.id::text,
    jsonb_build_object('account', a.name, 'programme', a.programme, 'metric', n.metric, 'threshold', n.threshold,
        'at', n.at),
    jsonb_build_object('task', 'quotas.tell', 'args', jsonb_build_object('notice_id', n.id),
        'tenant', coalesce(a.reseller_id::text, ''))
FROM quota_notices n JOIN accounts a ON a.id = n.account_id
WHERE n.told_at IS NULL AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'quotas.tell' AND j.state <> 'dead' AND j.payload->>'notice_id' = n.id::text)
ORDER BY n.at LIMIT :limit
"""

QUOTA_DIGEST: Final = """
SELECT n.reseller_id || ' ' || to_char(n.digest_hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24'),
    jsonb_build_object('account', a.name, 'at', n.digest_hour, 'count', count(*)),
    jsonb_build_object('task', 'quotas.digest', 'tenant', n.reseller_id::text,
        'args', jsonb_build_object('reseller_id', n.reseller_id, 'hour', n.digest_hour),
        'run_at', n.digest_hour + interval '1 hour')
FROM quota_notices n JOIN quota_hours h ON h.reseller_id = n.reseller_id AND h.hour = n.digest_hour
    JOIN accounts a ON a.id = n.reseller_id
WHERE n.digest_hour IS NOT NULL AND NOT h.closed AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'quotas.digest' AND j.state <> 'dead'
        AND j.payload->>'reseller_id' = n.reseller_id::text
        AND CAST(j.payload->>'hour' AS timestamptz) = n.digest_hour)
GROUP BY n.reseller_id, n.digest_hour, a.name ORDER BY n.digest_hour, n.reseller_id LIMIT :limit
"""

MAIL_UNSENT: Final = """
SELECT m.id::text,
    jsonb_build_object('template', m.template, 'account', coalesce(a.name, 'nobody'), 'at', m.created_at),
    jsonb_build_object('task', 'mail.send', 'args', jsonb_build_object('mail_id', m.id),
        'tenant', coalesce(m.reseller_id::text, ''))
FROM mails m LEFT JOIN accounts a ON a.id = m.account_id
WHERE m.state = 'queued' AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'mail.send' AND j.state <> 'dead' AND j.payload->>'mail_id' = m.id::text)
ORDER BY m.id LIMIT :limit
"""

# A missing mail is known from the job that was to send it, from its notice, or from an earlier check.
MAIL_GONE: Final = """
WITH known AS (
    SELECT j.payload->>'mail_id' AS id, j.created_at AS at, 'job ' || j.id AS by FROM jobs_archive j
    WHERE j.task = 'mail.send' AND j.finished_at > :since
    UNION ALL
    SELECT j.payload->>'mail_id', j.created_at, 'job ' || j.id FROM jobs j WHERE j.task = 'mail.send'
    UNION ALL
    SELECT j.payload->>'mail_id', j.created_at, 'job ' || j.id FROM jobs_archive j
    WHERE j.task = 'mail.send' AND j.state = 'dead'
    UNION ALL
    SELECT n.mail_id::text, n.told_at, n.threshold || ' notice of ' || a.name
    FROM quota_notices n JOIN accounts a ON a.id = n.account_id WHERE n.mail_id IS NOT NULL AND n.at > :since
    UNION ALL
    SELECT g.subject, g.since, 'an earlier check' FROM reconciliation_gaps g
    WHERE g.kind = 'mail_gone' AND g.mended_at IS NULL
)
SELECT k.id, jsonb_build_object('at', min(k.at), 'by', min(k.by)), '{}'::jsonb
FROM known k LEFT JOIN mails m ON m.id = CAST(k.id AS uuid)
WHERE m.id IS NULL GROUP BY k.id ORDER BY k.id LIMIT :limit
"""

CHARGE_DUE: Final = """
SELECT r.id::text, jsonb_build_object('account', a.name, 'programme', r.programme, 'code', r.code, 'day', r.next_start),
    jsonb_build_object('task', 'fees.charge', 'args', jsonb_build_object('programme', r.programme))
FROM unnest(CAST(:codes AS text[]), CAST(:days AS date[])) AS p (code, day)
    JOIN fee_runs r ON r.programme = p.code AND r.next_start <= p.day AND NOT r.ended
    JOIN accounts a ON a.id = r.account_id
WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.task IN ('fees.charge', 'fees.charge_range') AND j.state <> 'dead'
    AND j.payload->>'programme' = r.programme)
ORDER BY r.next_start, r.id LIMIT :limit
"""

# Periods are counted from the anchor, so the number of charges since a day shows whether one is missing; only
# then is each period checked. Charges found missing before are always checked again, whatever the day.
CHARGE_GONE: Final = """
WITH made AS (
    SELECT run_id, count(*) AS charges FROM charges
    WHERE programme = ANY(CAST(:codes AS text[])) AND period_start >= :charged_since GROUP BY run_id
), counted AS (
    SELECT r.id, r.anchor, greatest(r.since, CAST(:charged_since AS date)) AS day,
        (date_part('year', greatest(r.since, CAST(:charged_since AS date))) - date_part('year', r.anchor))::int * 12
            + (date_part('month', greatest(r.since, CAST(:charged_since AS date)))
                - date_part('month', r.anchor))::int AS near,
        (date_part('year', r.next_start) - date_part('year', r.anchor))::int * 12
            + (date_part('month', r.next_start) - date_part('month', r.anchor))::int AS behind
    FROM fee_runs r WHERE r.next_start > :charged_since
), spans AS (
    SELECT c.id, c.anchor, c.behind, c.near + ((c.anchor + make_interval(months => c.near))::date < c.day)::int AS first
    FROM counted c
), missing AS (
    SELECT s.id AS run_id, (s.anchor + make_interval(months => k))::date AS day
    FROM spans s LEFT JOIN made m ON m.run_id = s.id
        CROSS JOIN LATERAL generate_series(s.first, s.behind - 1) AS k
    WHERE coalesce(m.charges, 0) < s.behind - s.first
    UNION
    SELECT CAST(g.mend->>'run_id' AS uuid), CAST(g.mend->>'period_start' AS date) FROM reconciliation_gaps g
    WHERE g.kind = 'charge_gone' AND g.mended_at IS NULL
), gone AS MATERIALIZED (
    SELECT m.run_id, m.day FROM missing m WHERE NOT EXISTS (
        SELECT FROM charges c WHERE c.run_id = m.run_id AND c.period_start = m.day)
    ORDER BY m.day, m.run_id LIMIT :limit
)
SELECT r.id || ' ' || g.day,
    jsonb_build_object('account', a.name, 'programme', r.programme, 'code', r.code, 'day', g.day),
    jsonb_build_object('run_id', r.id, 'account_id', r.account_id, 'period_start', g.day)
FROM gone g JOIN fee_runs r ON r.id = g.run_id JOIN accounts a ON a.id = r.account_id ORDER BY g.day, r.id
"""

DISCOUNT_RUN: Final = """
SELECT p.code || ' ' || p.day, jsonb_build_object('programme', p.code, 'day', p.day, 'state', coalesce(u.state, 'no')),
    jsonb_build_object('task', 'discounts.run', 'args', jsonb_build_object('programme', p.code))
FROM unnest(CAST(:tiered AS text[]), CAST(:tiered_days AS date[]), CAST(:tiered_starts AS timestamptz[]))
        AS p (code, day, start)
    LEFT JOIN LATERAL (SELECT r.id, r.state FROM discount_runs r
        WHERE r.programme = p.code AND r.day = p.day AND r.state <> 'superseded'
        ORDER BY r.id DESC LIMIT 1) AS u ON true
WHERE (u.id IS NULL OR u.state IN ('computing', 'applying')) AND EXISTS (
    SELECT FROM accounts a WHERE a.programme = p.code AND a.kind = 'reseller' AND a.deleted_at IS NULL
        AND a.terms_accepted_at < p.start)
    AND NOT EXISTS (SELECT FROM jobs j WHERE j.task IN ('discounts.run', 'discounts.compute', 'discounts.apply')
        AND j.state <> 'dead' AND (j.payload->>'programme' = p.code OR j.payload->>'run_id' = u.id::text))
ORDER BY p.code LIMIT :limit
"""

DISCOUNT: Final = """
SELECT a.id::text, jsonb_build_object('account', a.name, 'day', p.day),
    jsonb_build_object('task', 'discounts.recompute', 'args', jsonb_build_object('reseller_id', a.id),
        'tenant', a.id::text)
FROM unnest(CAST(:tiered AS text[]), CAST(:tiered_days AS date[])) AS p (code, day)
    JOIN LATERAL (SELECT r.started_at FROM discount_runs r WHERE r.programme = p.code AND r.day = p.day
        AND r.state = 'done' ORDER BY r.id DESC LIMIT 1) AS u ON true
    JOIN accounts a ON a.programme = p.code AND a.kind = 'reseller' AND a.deleted_at IS NULL
        AND a.terms_accepted_at < u.started_at
    LEFT JOIN discounts d ON d.reseller_id = a.id
WHERE d.reseller_id IS NULL AND NOT EXISTS (SELECT FROM jobs j WHERE j.task = 'discounts.recompute'
    AND j.state <> 'dead' AND j.payload->>'reseller_id' = a.id::text)
ORDER BY a.id LIMIT :limit
"""

TRIAL_END: Final = """
SELECT a.id::text, jsonb_build_object('account', a.name, 'at', a.trial_ends_at),
    jsonb_build_object('task', 'trials.end', 'args', jsonb_build_object('account_id', a.id),
        'tenant', coalesce(a.reseller_id::text, ''), 'run_at', a.trial_ends_at)
FROM accounts a
WHERE a.trial_state = 'running' AND a.purged_at IS NULL AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'trials.end' AND j.state <> 'dead' AND j.payload->>'account_id' = a.id::text)
ORDER BY a.trial_ends_at LIMIT :limit
"""

OFFER_DELIVERY: Final = f"""
SELECT o.id::text, jsonb_build_object('account', a.name, 'error', coalesce(o.delivery_error, 'none')),
    jsonb_build_object('task', 'offers.deliver', 'args', jsonb_build_object('offer_id', o.id),
        'tenant', o.reseller_id::text, 'lane', 'instance:' || o.account_id, 'retry', dead.id)
FROM offers o JOIN accounts a ON a.id = o.account_id
    LEFT JOIN jobs j ON j.id = o.delivery_job_id AND j.state <> 'dead'
    LEFT JOIN {dead_jobs("id")} ON dead.id = o.delivery_job_id
WHERE o.state = 'waiting' AND o.expires_at > :now AND j.id IS NULL
ORDER BY o.id LIMIT :limit
"""  # noqa: S608 -- constants

OFFER_EXPIRY: Final = """
SELECT o.id::text, jsonb_build_object('account', a.name, 'at', o.expires_at),
    jsonb_build_object('task', 'offers.expire', 'args', jsonb_build_object('offer_id', o.id),
        'tenant', o.reseller_id::text, 'run_at', o.expires_at)
FROM offers o JOIN accounts a ON a.id = o.account_id
WHERE o.state IN ('waiting', 'waiting_for_confirmation') AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.task = 'offers.expire' AND j.state <> 'dead' AND j.payload->>'offer_id' = o.id::text)
ORDER BY o.id LIMIT :limit
"""

BOOK_LINE: Final = """
SELECT f.kind || ' ' || f.fact_id,
    jsonb_build_object('account', a.name, 'kind', f.kind, 'amount', f.amount || ' ' || f.currency, 'at', f.recorded_at),
    jsonb_build_object('fact_id', f.fact_id, 'kind', f.kind)
FROM account_book_facts f JOIN accounts a ON a.id = f.reseller_id
WHERE NOT EXISTS (SELECT FROM account_book b
    WHERE b.fact_id = f.fact_id AND b.kind = f.kind AND b.kind <> 'transfer')
ORDER BY f.recorded_at, f.fact_id LIMIT :limit
"""

# A transfer is right when its two lines add up to nothing.
BOOK_AMOUNT: Final = """
SELECT b.kind || ' ' || b.fact_id, jsonb_build_object('account', a.name, 'kind', b.kind, 'at', b.recorded_at,
    'amount', b.amount || ' ' || b.currency, 'fact', f.amount || ' ' || f.currency), '{}'::jsonb
FROM account_book b JOIN accounts a ON a.id = b.reseller_id
    JOIN account_book_facts f ON f.fact_id = b.fact_id AND f.kind = b.kind
WHERE (b.amount, b.currency) <> (f.amount, f.currency)
UNION ALL
SELECT 'transfer ' || b.fact_id, jsonb_build_object('account', min(a.name), 'kind', 'transfer', 'at', min(b.at),
    'amount', sum(b.amount), 'fact', 0), '{}'::jsonb
FROM account_book b JOIN accounts a ON a.id = b.reseller_id
WHERE b.kind = 'transfer' GROUP BY b.fact_id HAVING sum(b.amount) <> 0 OR count(*) <> 2
ORDER BY 1 LIMIT :limit
"""

# A charge that is gone is a gap of its own, and restored from its event.
BOOK_FACT: Final = """
SELECT b.kind || ' ' || b.fact_id, jsonb_build_object('account', a.name, 'kind', b.kind, 'at', b.recorded_at,
    'amount', b.amount || ' ' || b.currency), '{}'::jsonb
FROM account_book b JOIN accounts a ON a.id = b.reseller_id
WHERE b.kind NOT IN ('transfer', 'charge') AND NOT EXISTS (SELECT FROM account_book_facts f
    WHERE f.fact_id = b.fact_id AND f.kind = b.kind)
ORDER BY b.number LIMIT :limit
"""

# Resellers that were merged count as one: what one was charged may stand on the other's statement. Totals of before
# they were kept are not compared.
STATEMENT_TOTAL: Final = """
WITH RECURSIVE pairs AS (
    SELECT old_id AS id, new_id AS other FROM reseller_merges UNION SELECT new_id, old_id FROM reseller_merges
), reached (id, other) AS (
    SELECT id, id FROM pairs UNION SELECT r.id, p.other FROM reached r JOIN pairs p ON p.id = r.other
), families AS (
    SELECT id, CAST(min(CAST(other AS text)) AS uuid) AS root FROM reached GROUP BY id
), stated AS (
    SELECT coalesce(f.root, s.reseller_id) AS root, s.month, min(s.currency) AS currency, sum(s.total) AS total,
        CAST(max(CAST(s.reseller_id AS text)) AS uuid) AS reseller_id
    FROM statements s LEFT JOIN families f ON f.id = s.reseller_id
    GROUP BY 1, 2 HAVING bool_and(s.total IS NOT NULL)
), lines AS (
    SELECT coalesce(f.root, c.reseller_id) AS root, sum(-b.amount) AS amount,
        CASE b.kind WHEN 'void' THEN c.void_stated ELSE c.stated END AS month
    FROM charges c JOIN account_book b ON b.fact_id = c.id AND b.kind IN ('charge', 'credit', 'void')
        LEFT JOIN families f ON f.id = c.reseller_id
    WHERE c.stated IS NOT NULL GROUP BY 1, 3
)
SELECT s.reseller_id || ' ' || s.month, jsonb_build_object('account', a.name, 'month', to_char(s.month, 'YYYY-MM'),
    'amount', s.total || ' ' || s.currency, 'fact', coalesce(l.amount, 0) || ' ' || s.currency), '{}'::jsonb
FROM stated s JOIN accounts a ON a.id = s.reseller_id LEFT JOIN lines l ON (l.root, l.month) = (s.root, s.month)
WHERE s.total <> coalesce(l.amount, 0) ORDER BY s.month, s.reseller_id LIMIT :limit
"""

NIGHTLY: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.BOOK_LINE: BOOK_LINE,
        GapKind.BOOK_AMOUNT: BOOK_AMOUNT,
        GapKind.BOOK_FACT: BOOK_FACT,
        GapKind.STATEMENT_TOTAL: STATEMENT_TOTAL,
    }
)
"""Account books against payments, orders, charges and statements, all of them: once a day."""
STATEMENTS: Final[Mapping[GapKind, str]] = MappingProxyType(
    {
        GapKind.TRIAL_END: TRIAL_END,
        GapKind.QUOTA_MAIL: QUOTA_MAIL,
        GapKind.QUOTA_DIGEST: QUOTA_DIGEST,
        GapKind.CHARGE_DUE: CHARGE_DUE,
        GapKind.CHARGE_GONE: CHARGE_GONE,
        GapKind.OFFER_DELIVERY: OFFER_DELIVERY,
        GapKind.OFFER_EXPIRY: OFFER_EXPIRY,
        GapKind.MAIL_UNSENT: MAIL_UNSENT,
        GapKind.MAIL_GONE: MAIL_GONE,
        GapKind.DISCOUNT_RUN: DISCOUNT_RUN,
        GapKind.DISCOUNT: DISCOUNT,
    }
)
"""Every kind except occurrences, whose slots are computed from the cron expression."""
