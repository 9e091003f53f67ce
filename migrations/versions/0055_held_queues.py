"""Queues that are held back in a restored copy until an operator releases them.

Revision: 0055, after 0053.
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    column = sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("queues", column, if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    op.drop_column("queues", "held", if_exists=True)
