"""Resent mails.

Revision: 0011, after 0010.

The index is built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEX = "ix_mails_repeats"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("mails", sa.Column("repeats", sa.Uuid(), nullable=True), if_not_exists=True)
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "mails", postgresql_concurrently=True, if_exists=True)
        only = sa.text("repeats IS NOT NULL")
        op.create_index(INDEX, "mails", ["repeats", "id"], postgresql_concurrently=True, postgresql_where=only)
