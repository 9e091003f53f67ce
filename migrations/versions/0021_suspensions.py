"""Keep who suspended an account, and whether the suspension came through its reseller's.

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Who suspended it before is unknown: of a client its reseller may lift it, of others an operator.
SUSPENDED_BEFORE = """
INSERT INTO suspensions (account_id, via, authority, actor, at)
SELECT id, id, CASE kind WHEN 'client' THEN 'reseller' ELSE 'operator' END, 'system', now()
FROM accounts WHERE suspended AND purged_at IS NULL
"""


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which knows `accounts.suspended` alone."""
    op.create_table(
        "suspensions",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("via", sa.Uuid(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("with_clients", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("authority IN ('operator', 'reseller')", name=op.f("ck_suspensions_authority")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_suspensions_account_id")),
        sa.PrimaryKeyConstraint("account_id", "via", name=op.f("pk_suspensions")),
    )
    op.create_index(op.f("ix_suspensions_via"), "suspensions", ["via"], postgresql_where=sa.text("via <> account_id"))
    op.execute(SUSPENDED_BEFORE)
