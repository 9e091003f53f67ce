"""Pull workers by name, and when each last asked for jobs.

Revision: 0041, after 0040.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward: a new table only, so that the previous release runs beside."""
    op.create_table(
        "pull_workers",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "name", name="pk_pull_workers"),
        if_not_exists=True,
    )
