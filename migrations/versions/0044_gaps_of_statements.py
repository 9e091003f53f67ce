"""Gaps of statements, unmatched payments that are dismissed, files that wait to be imported from the console.

Revision: 0044, after 0043.

Can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
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
    for name, kind in (("dismissed_by", sa.Text()), ("dismissed_at", INSTANT), ("dismiss_reason", sa.Text())):
        op.add_column("unmatched_payments", sa.Column(name, kind, nullable=True), if_not_exists=True)
    op.create_table(
        "payment_uploads",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("programme", sa.Text(), sa.ForeignKey("programmes.code"), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), sa.ForeignKey("accounts.id"), nullable=True),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=True),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        if_not_exists=True,
    )
