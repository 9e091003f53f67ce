"""Reconciliation.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KINDS = (
    "'trial_end', 'quota_mail', 'quota_digest', 'charge_due', 'charge_gone', 'offer_delivery', 'offer_expiry',"
    " 'mail_unsent', 'mail_gone', 'discount_run', 'discount', 'occurrence'"
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("schedules", sa.Column("expected_from", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "reconciliation_gaps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mend", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_reconciliation_gaps_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_gaps")),
    )
    op.create_index(
        "uq_reconciliation_gaps_open",
        "reconciliation_gaps",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("mended_at IS NULL"),
    )
    op.create_index(
        "ix_reconciliation_gaps_mended_at",
        "reconciliation_gaps",
        ["mended_at"],
        postgresql_where=sa.text("mended_at IS NOT NULL"),
    )
