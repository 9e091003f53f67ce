"""Checks for missing charges and discounts.

`codes` and `days`: programmes with the local day whose charges are due. `tiered`, `tiered_days` and
`tiered_starts`: programmes with a turnover discount, that day, and its first instant.
"""

from typing import Final

CHARGE_DUE: Final = """
SELECT r.id::text, jsonb_build_object('account', a.name, 'code', r.code, 'day', r.next_start),
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
SELECT r.id || ' ' || g.day, jsonb_build_object('account', a.name, 'code', r.code, 'day', g.day),
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
