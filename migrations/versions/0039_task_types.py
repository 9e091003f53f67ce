"""Task types declared as data, the jobs of them, and leases of their attempts.

Revision: 0039, after 0038.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Move forward: new tables only, so that the previous release runs beside; and an index for pull workers."""
    op.create_table(
        "task_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False, server_default=""),
        sa.Column("old_secret_sealed", sa.Text(), nullable=True),
        sa.Column("old_until", INSTANT, nullable=True),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_task_types"),
        if_not_exists=True,
    )
    op.create_table(
        "task_type_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("applied_at", INSTANT, nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_task_type_versions"),
        if_not_exists=True,
    )
    op.create_table(
        "task_schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_task_schedules"),
        if_not_exists=True,
    )
    op.create_table(
        "declared_jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("places", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_declared_jobs"),
        if_not_exists=True,
    )
    create_leases()
    with op.get_context().autocommit_block():
        where = sa.text("state = 'queued' AND unsupported")
        columns = ["task", sa.text("priority DESC"), "tenant", "id"]
        op.drop_index("ix_jobs_pulled", "jobs", postgresql_concurrently=True, if_exists=True)
        op.create_index("ix_jobs_pulled", "jobs", columns, postgresql_concurrently=True, postgresql_where=where)


def create_leases() -> None:
    """Create the table of leases."""
    op.create_table(
        "job_leases",
        sa.Column("lease", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("answer", JSONB, nullable=True),
        sa.CheckConstraint("kind IN ('push', 'pull')", name=op.f("ck_job_leases_kind")),
        sa.PrimaryKeyConstraint("lease", name="pk_job_leases"),
        if_not_exists=True,
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index("ix_job_leases_open", "job_leases", ["beat_at"], postgresql_where=is_open, if_not_exists=True)
    op.create_index(
        "ix_job_leases_key_id", "job_leases", ["key_id", "worker"], postgresql_where=is_open, if_not_exists=True
    )
    op.create_index("ix_job_leases_job_id", "job_leases", ["job_id"], if_not_exists=True)
