"""The leases, doorbells and unrecorded acts that a worker's beat reports, and an index of the jobs held in their lanes.

Revision: 0016, after 0015.

The index is built concurrently as in 0010. Can be restarted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEX = "ix_jobs_held"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs: its workers leave the columns NULL."""
    for column in (
        sa.Column("beats", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("leases", postgresql.ARRAY(postgresql.UUID(as_uuid=True)), nullable=True),
        sa.Column("bells", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("unrecorded_since", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("worker_processes", column, if_not_exists=True)
    with op.get_context().autocommit_block():
        where = sa.text("lane IS NOT NULL AND state = 'queued' AND NOT unsupported")
        op.drop_index(INDEX, "jobs", postgresql_concurrently=True, if_exists=True)
        op.create_index(INDEX, "jobs", ["held", "lane", "id"], postgresql_concurrently=True, postgresql_where=where)
