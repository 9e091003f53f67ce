"""the archive takes finished jobs alone.

Revision: 0013, after 0012.

PostgreSQL reads a CHECK anew for every statement that inserts: one of two states costs half of one of seven.
It may be begun again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAME = "ck_jobs_archive_state"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which archives nothing else."""
    op.drop_constraint(op.f(NAME), "jobs_archive", type_="check", if_exists=True)
    finished = "state IN ('succeeded', 'cancelled')"
    op.create_check_constraint(op.f(NAME), "jobs_archive", finished, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(sa.text(f"ALTER TABLE jobs_archive VALIDATE CONSTRAINT {NAME}"))
