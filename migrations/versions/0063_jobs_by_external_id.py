"""Jobs are searched by what another system calls them.

Revision: 0063, after 0060. The index is built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0060"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_declared_jobs_external_id", "declared_jobs"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        op.drop_index(NAME, TABLE, postgresql_concurrently=True, if_exists=True)
        op.create_index(
            NAME,
            TABLE,
            ["external_id"],
            postgresql_concurrently=True,
            postgresql_where=sa.text("external_id IS NOT NULL"),
        )


def downgrade() -> None:
    """Move back."""
    op.drop_index(NAME, TABLE, if_exists=True)
