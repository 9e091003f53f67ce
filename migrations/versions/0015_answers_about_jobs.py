"""Set aside jobs that no running release supports; remember cancellations of locked jobs.

Revision: 0015, after 0014.

Can be restarted. The previous release ignores the column and the table: it inserts jobs that are supported.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INDEX = "ix_jobs_unsupported"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs. A constant default rewrites no row."""
    op.add_column(
        "jobs",
        sa.Column("unsupported", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        if_not_exists=True,
    )
    op.create_table(
        "cancel_requests",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_cancel_requests")),
        if_not_exists=True,
    )
    columns = ["task", "payload_version", "id"]
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "jobs", postgresql_concurrently=True, if_exists=True)
        op.create_index(INDEX, "jobs", columns, postgresql_concurrently=True, postgresql_where=sa.text("unsupported"))
