"""Checks for missing mails."""

from typing import Final

QUOTA_MAIL: Final = """
SELECT n.id::text, jsonb_build_object('account', a.name, 'metric', n.metric, 'threshold', n.threshold, 'at', n.at),
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
