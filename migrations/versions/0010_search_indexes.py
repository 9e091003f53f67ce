"""Search indexes on large tables.

Revision: 0010, after 0009.

Built concurrently, because a plain CREATE INDEX would block writes to the ledger; each can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = (
    ("jobs_archive", ["task", "id"], "ix_jobs_archive_task", None),
    ("jobs_archive", ["queue", "id"], "ix_jobs_archive_queue", None),
    ("jobs_archive", ["parent_id"], "ix_jobs_archive_parent_id", "parent_id IS NOT NULL"),
    ("jobs", ["parent_id"], "ix_jobs_parent_id", "parent_id IS NOT NULL"),
    ("offer_events", ["job_id"], "ix_offer_events_job_id", "job_id IS NOT NULL"),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        for table, columns, name, where in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            condition = None if where is None else sa.text(where)
            op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=condition)
