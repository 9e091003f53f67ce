"""Forms that operators sent, each done once; sessions of the portal that an operator opened.

Revision: 0060, after 0059.
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

TABLES = ("portal_links", "portal_sessions")


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "operator_forms",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["operator_sessions.id"],
            name=op.f("fk_operator_forms_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "token", name=op.f("pk_operator_forms")),
        if_not_exists=True,
    )
    for table in TABLES:
        op.add_column(table, sa.Column("by_operator", sa.Uuid(), nullable=True), if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    for table in TABLES:
        op.drop_column(table, "by_operator", if_exists=True)
    op.drop_table("operator_forms", if_exists=True)
