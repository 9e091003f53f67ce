"""Alerts.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS = "'dead_jobs', 'late_work', 'held_lanes', 'guard_rail', 'reconciliation'"
TO_BE_TOLD_OVER = "cleared_at IS NOT NULL AND told_at IS NOT NULL AND over_in IS NULL"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_count", sa.Integer(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_in", sa.Text(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("over_in", sa.Text(), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_alerts_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open", "alerts", ["kind", "matter"], unique=True, postgresql_where=sa.text("cleared_at IS NULL")
    )
    op.create_index("ix_alerts_over", "alerts", ["cleared_at"], postgresql_where=sa.text(TO_BE_TOLD_OVER))
    op.create_index("ix_alerts_told_in", "alerts", ["told_in"])
    op.create_index("ix_alerts_over_in", "alerts", ["over_in"])
