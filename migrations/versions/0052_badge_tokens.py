"""The public, read-only token of each account's badge.

Revision: 0052, after 0051.

The default gives every account one, also those that the previous release makes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

DEFAULT = "'badge_' || replace(gen_random_uuid()::text, '-', '')"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("accounts", sa.Column("badge_token", sa.Text(), nullable=False, server_default=sa.text(DEFAULT)))


def downgrade() -> None:
    """Move back."""
    op.drop_column("accounts", "badge_token")
