"""The public, read-only token of each account's badge.

Revision: 0052, after 0051.

Those that the previous release makes meanwhile get theirs when they are read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

FILL = "UPDATE accounts SET badge_token = 'badge_' || replace(gen_random_uuid()::text, '-', '')"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("accounts", sa.Column("badge_token", sa.Text(), nullable=True))
    op.execute(FILL)


def downgrade() -> None:
    """Move back."""
    op.drop_column("accounts", "badge_token")
