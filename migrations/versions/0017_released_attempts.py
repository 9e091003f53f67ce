"""Allow attempts that a stopping worker gave back.

Revision: 0017, after 0016.

Can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NAME = "ck_job_attempts_outcome"
OUTCOMES = "outcome IN ('succeeded', 'failed', 'snoozed', 'cancelled', 'crashed', 'down', 'released')"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs: it shows the new outcome as text."""
    op.drop_constraint(op.f(NAME), "job_attempts", type_="check", if_exists=True)
    op.create_check_constraint(op.f(NAME), "job_attempts", OUTCOMES, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(sa.text(f"ALTER TABLE job_attempts VALIDATE CONSTRAINT {NAME}"))
