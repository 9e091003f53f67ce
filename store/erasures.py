"""Erases access, addresses and mails of permanently deleted accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

STATEMENTS: Final = (
    """
UPDATE accounts SET purged_at = :now, password_hash = NULL, admin_email = '', email_key = '',
 email_version = email_version + 1 WHERE id = ANY(:ids);
UPDATE api_keys SET revoked_at = :now
 WHERE revoked_at IS NULL AND (account_id = ANY(:ids) OR reseller_id = ANY(:ids));
DELETE FROM instances WHERE account_id = ANY(:ids);
UPDATE webhook_endpoints SET secret_sealed = '', old_secret_sealed = NULL, deleted_at = coalesce(deleted_at, :now)
 WHERE reseller_id = ANY(:ids);
DELETE FROM brands WHERE account_id = ANY(:ids);
DELETE FROM verified_domains WHERE account_id = ANY(:ids);
DELETE FROM offer_templates WHERE reseller_id = ANY(:ids);
DELETE FROM mail_recipients WHERE mail_id IN (SELECT id FROM mails WHERE account_id = ANY(:ids));
UPDATE mails SET facts = '{}', refs = '{}', subject = NULL, raw = NULL, reply_to = NULL,
 reason = CASE state WHEN 'queued' THEN 'the account is gone' ELSE reason END,
 state = CASE state WHEN 'queued' THEN 'skipped' ELSE state END
 WHERE account_id = ANY(:ids);
""".strip()
    .rstrip(";")
    .split(";\n")
)
"""The order matters: the row that jobs check first is updated first."""


def erase(session: Session, ids: Sequence[UUID], now: datetime) -> None:
    """Erase locked accounts except what accounting requires: name, dates, charges and payments."""
    for statement in STATEMENTS:
        session.execute(text(statement), {"ids": list(ids), "now": now})
