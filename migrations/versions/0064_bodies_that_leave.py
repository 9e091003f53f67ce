"""Bodies of mails and deliveries leave after a time; these indexes find them.

Revision: 0064, after 0063. The indexes are built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_mails_bodies", "mails", "raw IS NOT NULL"),
    ("ix_webhook_deliveries_created_at", "webhook_deliveries", None),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        for name, table, only in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name,
                table,
                ["created_at"],
                postgresql_concurrently=True,
                postgresql_where=None if only is None else sa.text(only),
            )


def downgrade() -> None:
    """Move back."""
    for name, table, _ in INDEXES:
        op.drop_index(name, table, if_exists=True)
