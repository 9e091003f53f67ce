"""Gaps of statements: one that says another total than the lines of what it lists.

Revision: 0044, after 0041.

Can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLE, NAME = "reconciliation_gaps", "ck_reconciliation_gaps_kind"
KINDS = (
    *("trial_end", "quota_mail", "quota_digest", "charge_due", "charge_gone", "offer_delivery", "offer_expiry"),
    *("mail_unsent", "mail_gone", "discount_run", "discount", "occurrence", "book_line", "book_amount", "book_fact"),
    "statement_total",
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which records kinds of before."""
    op.drop_constraint(op.f(NAME), TABLE, type_="check", if_exists=True)
    allowed = f"kind IN ({', '.join(map(repr, KINDS))})"
    op.create_check_constraint(op.f(NAME), TABLE, allowed, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(sa.text(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {NAME}"))
