"""Add leaders and processes; schedules remember who declared them, and why they fail.

Revision: 0014, after 0013.

New tables and nullable columns: the previous release runs beside it. `processes` is unlogged: it is empty after a crash
and every process writes its row again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Move forward."""
    op.create_table(
        "leaders",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("acquired_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("backend_pid", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_leaders")),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("redis_ok", sa.Boolean(), nullable=True),
        sa.Column("clock_offset_seconds", sa.Double(), nullable=True),
        sa.Column("clock_trusted", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("leads", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
        prefixes=["UNLOGGED"],
    )
    op.add_column("schedules", sa.Column("error", sa.Text(), nullable=True))
    op.add_column("schedules", sa.Column("failed_at", INSTANT, nullable=True))
    op.add_column("schedules", sa.Column("release", sa.Text(), nullable=True))
    op.add_column("schedules", sa.Column("declaration", sa.Text(), nullable=True))
    op.add_column("schedules", sa.Column("declared_at", INSTANT, nullable=True))
    op.add_column("schedules", sa.Column("retired_at", INSTANT, nullable=True))
    op.execute("UPDATE schedules SET retired_at = 'epoch' WHERE retired")
