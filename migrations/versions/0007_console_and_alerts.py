"""Console and alerts.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIONS = "action IN ('retry', 'cancel')"
STATES = "state IN ('preview', 'running', 'paused', 'done', 'stopped')"
SIZES = "size IN ('minute', 'hour')"
NO_OBJECTS = sa.text("'[]'::jsonb")


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    _bulk_runs()
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_saved_searches_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("operator_id", "name", name=op.f("uq_saved_searches_operator_id_name")),
    )
    _job_rollups()


def _bulk_runs() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="preview", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("counts", postgresql.JSONB(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("foreseen", postgresql.JSONB(), server_default=NO_OBJECTS, nullable=False),
        sa.Column("looked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("looked_to", sa.Uuid(), nullable=True),
        sa.Column("foreseen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_keys", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(ACTIONS, name=op.f("ck_bulk_runs_action")),
        sa.CheckConstraint(STATES, name=op.f("ck_bulk_runs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
    )


def _job_rollups() -> None:
    op.create_table(
        "job_rollups",
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("wait_sum", sa.Double(), nullable=False),
        sa.Column("wait_max", sa.Double(), nullable=False),
        sa.Column("run_sum", sa.Double(), nullable=False),
        sa.Column("run_max", sa.Double(), nullable=False),
        sa.Column("waits", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.CheckConstraint(SIZES, name=op.f("ck_job_rollups_size")),
        sa.PrimaryKeyConstraint("size", "starts_at", "task", "queue", name=op.f("pk_job_rollups")),
    )
