"""Indexes for the jobs of a tenant and the calls of a lane.

Revision: 0012, after 0011.

Built concurrently as in 0010; each can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEXES = (
    ("jobs", ["tenant", "id"], "ix_jobs_tenant", "tenant <> ''"),
    ("jobs_archive", ["lane", "id"], "ix_jobs_archive_lane", "lane IS NOT NULL"),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        for table, columns, name, where in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=sa.text(where))
