"""what jobs came to, by the minute and in all.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def sums() -> list["sa.Column[object]"]:
    """The columns of both tables."""
    counts = ("jobs", "late")
    seconds = ("wait_seconds", "run_seconds")
    return [
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        *(sa.Column(name, sa.Double(), nullable=False) for name in seconds),
    ]


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "job_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        *sums(),
        sa.PrimaryKeyConstraint("minute", "task", "outcome", name=op.f("pk_job_minutes")),
    )
    op.create_table(
        "job_totals",
        *sums(),
        sa.Column("wait_buckets", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("run_buckets", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("task", "outcome", name=op.f("pk_job_totals")),
    )
