"""Requests by mail that another reseller agrees to its merge.

Revision: 0067, after 0066.
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

STATES = "'asked', 'agreed', 'refused', 'withdrawn', 'begun'"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "merge_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("other_version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_merge_requests_state")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_merge_requests_reseller_id")),
        sa.ForeignKeyConstraint(["other_id"], ["accounts.id"], name=op.f("fk_merge_requests_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_requests")),
        if_not_exists=True,
    )
    for column, columns in {
        "reseller_id": ["reseller_id", "id"],
        "other_id": ["other_id"],
        "expires_at": ["expires_at"],
    }.items():
        op.create_index(f"ix_merge_requests_{column}", "merge_requests", columns, if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    op.drop_table("merge_requests", if_exists=True)
