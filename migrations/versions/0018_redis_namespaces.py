"""Keep the namespace in Redis that the processes of a database share.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which does not know the table."""
    op.create_table(
        "redis_namespaces",
        sa.Column("database_identity", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("database_identity", name=op.f("pk_redis_namespaces")),
    )
