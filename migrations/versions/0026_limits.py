"""Overrides of limits, counted uses, and addresses that confirmed.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Admins of activated accounts, and resellers, have used a link or signed in before there was a record of it.
CONFIRMED = """
INSERT INTO confirmed_addresses (owner_id, address, at)
SELECT DISTINCT ON (1, 2) coalesce(reseller_id, id), encode(sha256(convert_to(email_key, 'UTF8')), 'hex'),
    coalesce(activated_at, created_at)
FROM accounts WHERE activated_at IS NOT NULL OR kind = 'reseller'
"""


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which knows none of the tables."""
    op.create_table(
        "limit_overrides",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_limit_overrides_value")),
        sa.PrimaryKeyConstraint("name", "subject", name=op.f("pk_limit_overrides")),
    )
    op.create_table(
        "limit_uses",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_limit_uses")),
    )
    op.create_index("ix_limit_uses_name_subject_at", "limit_uses", ["name", "subject", "at"])
    op.create_index("ix_limit_uses_at", "limit_uses", ["at"])
    op.create_table(
        "confirmed_addresses",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "address", name=op.f("pk_confirmed_addresses")),
    )
    op.execute(CONFIRMED)
